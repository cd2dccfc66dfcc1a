-- Take over what was released, orphaned or is due again, oldest first. Nothing is charged: a start
-- is recorded when it comes.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 journal 5 claimable 6 stream 7 counts 8 strays 9 due 10 notes
-- ARGV  1 incarnation 2 group 3 channel ('' for an inbox) 4 most to take; 0: only look
--       5 pseudo-consumer of the released 6 pseudo-consumer of the delayed
-- Returns {ms until there may be more (0 now, -1 nothing known), then for each taken:
-- {id, recorded starts, 1 if orphaned, note, fields}}.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local incarnation, group, most = ARGV[1], ARGV[2], math.max(1, tonumber(ARGV[4]))
local ttl, now = ttl_in_use(KEYS[2]), now_ms()
local found = {}

-- `from`: the dead incarnation that orphaned them; nil for what was handed back.
local function look(consumer, from)
  local entries = redis.pcall('XPENDING', KEYS[6], group, '-', '+', most, consumer)
  if entries.err then
    return entries
  end
  for _, entry in ipairs(entries) do
    found[#found + 1] = {id = entry[1], starts = entry[4], from = from}
  end
  return nil
end

local fault = look(ARGV[5])
if fault then
  return fault
end
local strays = redis.call('HGETALL', KEYS[8])
for i = 1, #strays, 2 do
  if strays[i] ~= incarnation then
    look(strays[i], strays[i + 1] == 'orphaned' and strays[i] or nil)
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[9], '-inf', now, 'LIMIT', 0, most)) do
  local consumer, deliveries = pending(KEYS[6], group, id)
  if consumer == ARGV[6] then
    found[#found + 1] = {id = id, starts = deliveries}
  else
    redis.call('ZREM', KEYS[9], id)
  end
end
if ARGV[4] == '0' and #found > 0 then
  return {0}
end
table.sort(found, function(a, b) return before(a.id, b.id) end)

local result, lost, orphans, owners, starts = {0}, 0, {}, {}, 0
for i = 1, math.min(most, #found) do
  local entry = found[i]
  local stored = redis.call('XRANGE', KEYS[6], entry.id, entry.id)[1]
  redis.call('ZREM', KEYS[9], entry.id)
  if stored then
    redis.call('XCLAIM', KEYS[6], group, incarnation, 0, entry.id, 'JUSTID')
    local note = redis.call('HGET', KEYS[10], entry.id) or ''
    result[#result + 1] = {entry.id, entry.starts - 1, entry.from and 1 or 0, note, stored[2]}
    if entry.from then
      orphans[#orphans + 1] = entry.id
      starts = math.max(starts, entry.starts - 1)
      if not owners[entry.from] then
        owners[entry.from] = true
        owners[#owners + 1] = entry.from
      end
    end
  else
    -- Somebody deleted the message. Up to 6.2 a server keeps its pending entry for ever.
    redis.call('XACK', KEYS[6], group, entry.id)
    redis.call('HDEL', KEYS[10], entry.id)
    add_settled(KEYS[7], group, 1, ttl)
    lost = lost + 1
  end
end
if #result > 1 then
  note_moved(KEYS[7], ttl)
end
if lost > 0 then
  count(KEYS[3], 'lost: work deleted', lost, ttl)
  journal(KEYS[4], ttl, 'loss', 'channel', ARGV[3], 'count', lost, 'cause', 'deleted')
end
if #orphans > 0 then
  count(KEYS[3], 'taken over', #orphans, ttl)
  journal(
    KEYS[4], ttl, 'takeover', 'channel', ARGV[3], 'count', #orphans, 'by', incarnation,
    'from', some(owners, 5), 'positions', some(orphans, 20), 'starts', starts
  )
end

if #found < most or #found == 0 then
  -- Nothing is left but what becomes due later.
  local following = redis.call('ZRANGE', KEYS[9], 0, 0, 'WITHSCORES')
  if following[2] then
    result[1] = math.max(0, tonumber(following[2]) - now)
    if ARGV[3] ~= '' then
      redis.call('ZADD', KEYS[5], following[2], ARGV[3])
      expire(KEYS[5], ttl)
    end
  else
    result[1] = -1
    if ARGV[3] ~= '' then
      redis.call('ZREM', KEYS[5], ARGV[3])
    end
  end
end
return result
