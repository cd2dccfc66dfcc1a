-- Remove broadcasts that every live instance has passed and that are old or too many; beyond
-- max_backlog also unhandled ones, which is counted as a loss.
-- Uses: common, trimming
-- KEYS  1 options 2 totals 3 journal 4 broadcast 5 broadcast counts 6 cursors 7 holders 8 leases
-- Returns 1 when a further call finds more to remove now, else 0.

local set = redis.call(
  'HMGET', KEYS[1], 'message_retention', 'max_message_count', 'max_backlog', 'ttl'
)
if not set[1] then
  return 0
end
local holders = pairs_of(redis.call('HGETALL', KEYS[7]))
local cursors = redis.call('HGETALL', KEYS[6])
local lowest, passed = nil, nil
for i = 1, #cursors, 2 do
  local holder = holders[cursors[i]]
  if holder and redis.call('ZSCORE', KEYS[8], holder) then
    local id, number = string.match(cursors[i + 1], '^([^ ]+) (%d+)$')
    if id and (not lowest or before(id, lowest)) then
      lowest, passed = id, tonumber(number)
    end
  end
end
local added = tonumber(redis.call('HGET', KEYS[5], 'added') or 0)
if not lowest then
  -- Nobody alive reads broadcasts: retention alone decides.
  lowest, passed = redis.call('HGET', KEYS[5], 'last') or '0-0', added
end
local too_old, safe = age_limit(tonumber(set[1])), id_after(lowest)
local more = cut_before(KEYS[4], before(safe, too_old) and safe or too_old)

-- Numbers run without a gap, so the count of the unhandled is a difference.
local length = redis.call('XLEN', KEYS[4])
local unhandled = math.max(0, added - passed)
local keep = unhandled + tonumber(set[2])
if length > keep and passed > 0 then
  redis.call('XTRIM', KEYS[4], 'MAXLEN', keep)
  length = keep
end
local limit = tonumber(set[3])
if unhandled > limit and length > limit then
  redis.call('XTRIM', KEYS[4], 'MAXLEN', limit)
  local lost, ttl = math.min(length, unhandled) - limit, tonumber(set[4])
  count(KEYS[2], 'lost: broadcasts trimmed', lost, ttl)
  journal(KEYS[3], ttl, 'loss', 'count', lost, 'cause', 'broadcasts beyond max_backlog')
end
return more and 1 or 0
