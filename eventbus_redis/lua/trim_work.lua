-- Remove handled messages of a work stream or an inbox that are old or too many, and note where
-- each group could start again safely.
-- Uses: common, trimming
-- KEYS  1 options 2 stream 3 counts 4 groups 5 totals 6 journal
-- ARGV  1 event ('' for an inbox)
-- Returns 1 when a further call finds more to remove now, else 0.

local known = redis.pcall('XINFO', 'GROUPS', KEYS[2])
if known.err or #known == 0 then
  return 0 -- without a group nothing is handled
end
local set = redis.call('HMGET', KEYS[1], 'message_retention', 'max_message_count', 'ttl')
if not set[1] then
  return 0 -- nobody is here
end
local too_old, most = age_limit(tonumber(set[1])), tonumber(set[2])
local counts = pairs_of(redis.call('HGETALL', KEYS[3]))
local added = tonumber(counts['added'] or 0)

-- Everything before `safe` is handled by all groups; what is up to `delivered` was given to all.
local safe, delivered, unhandled = nil, nil, 0
local names, seen = {}, {}
for i, flat in ipairs(known) do
  local group = pairs_of(flat)
  local name, last = group['name'], group['last-delivered-id']
  names[i], seen[name] = name, true
  local first, restart = id_after(last), last
  if group['pending'] > 0 then
    first = redis.call('XPENDING', KEYS[2], name)[2]
    restart = id_before(first)
  end
  if counts['safe:' .. name] ~= restart then
    redis.call('HSET', KEYS[3], 'safe:' .. name, restart)
  end
  local settled = tonumber(counts['settled:' .. name] or 0)
  if settled ~= added and group['pending'] == 0 then
    local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
    if not newest or not before(last, newest[1]) then
      -- Everything there is has been handled, so an operator deleted what was never read.
      redis.call('HSET', KEYS[3], 'settled:' .. name, added)
      -- Without the counter (an operator removed it) nobody knows how many.
      if counts['settled:' .. name] and settled < added then
        local ttl = tonumber(set[3])
        count(KEYS[5], 'lost: work deleted', added - settled, ttl)
        journal(
          KEYS[6], ttl, 'loss', 'event', ARGV[1], 'group', name, 'count', added - settled,
          'cause', 'deleted before it was read'
        )
      end
      settled = added
    end
  end
  unhandled = math.max(unhandled, added - settled)
  if not safe or before(first, safe) then
    safe = first
  end
  if not delivered or before(last, delivered) then
    delivered = last
  end
end
for field in pairs(counts) do
  local kind, name = string.match(field, '^(%a+):(.*)$')
  -- One that still has members was removed by somebody and is about to be rebuilt.
  local alive = name and ARGV[1] ~= '' and redis.call('ZSCORE', KEYS[4], ARGV[1] .. ' ' .. name)
  if name and not seen[name] and not alive then
    redis.call('HDEL', KEYS[3], field)
  end
end
expire(KEYS[3], tonumber(set[3]))

local more = cut_before(KEYS[2], before(safe, too_old) and safe or too_old)
local surplus = redis.call('XLEN', KEYS[2]) - unhandled - most
if surplus > 0 then
  -- By number: read ids from the old end, in pages that stay small in bytes.
  local page, left = 10, math.min(surplus, 1000)
  local stop = id_before(safe)
  while left > 0 do
    local entries = redis.call('XRANGE', KEYS[2], '-', stop, 'COUNT', math.min(page, left))
    if #entries == 0 then
      break
    end
    cut_before(KEYS[2], id_after(entries[#entries][1]))
    left, surplus = left - #entries, surplus - #entries
    if page < 500 and #(entries[1][2][2] or '') < 1024 then
      page = page * 5
    end
  end
  if left == 0 then
    return 1
  end
end
if surplus <= 0 and not before(safe, too_old) then
  return more and 1 or 0
end

-- Something unhandled is old: what is handled behind it goes one by one, some in each call.
local from = counts['swept'] or safe
if before(from, safe) then
  from = safe
end
local entries = redis.call('XRANGE', KEYS[2], from, delivered, 'COUNT', 200)
if #entries == 0 then
  redis.call('HDEL', KEYS[3], 'swept')
  return 0
end
local held, final = {}, entries[#entries][1]
for _, name in ipairs(names) do
  local pending_ids = redis.call('XPENDING', KEYS[2], name, entries[1][1], final, 200)
  for _, entry in ipairs(pending_ids) do
    held[entry[1]] = true
  end
  if #pending_ids == 200 and before(pending_ids[200][1], final) then
    -- More may be pending beyond, as deleted messages are counted too: judge only up to here.
    final = pending_ids[200][1]
  end
end
for _, entry in ipairs(entries) do
  local id = entry[1]
  if not before(final, id) and not held[id] and (before(id, too_old) or surplus > 0) then
    redis.call('XDEL', KEYS[2], id)
    surplus = surplus - 1
  end
end
redis.call('HSET', KEYS[3], 'swept', id_after(final))
return #entries == 200 and 1 or 0
