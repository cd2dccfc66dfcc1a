-- Give a dead letter back to the one group or instance it belongs to, and remove it.
-- Uses: common
-- KEYS  1 options 2 totals 3 journal 4 dead 5 answered 6 targets 7 stream 8 counts
-- ARGV  1 entry id 2 w (work) or i (inbox) 3 group or instance id 4 1: the reply of a call before
--       this one was lost
-- Returns done, unknown or no owner; after a lost reply, within a minute, what it said.

local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - 60000)
local entry = redis.call('XRANGE', KEYS[4], ARGV[1], ARGV[1])[1]
if not entry then
  local done = ARGV[4] == '1' and redis.call('ZSCORE', KEYS[5], 'r' .. ARGV[1])
  return done and 'done' or 'unknown'
end
local fields, ttl, stored = pairs_of(entry[2]), ttl_in_use(KEYS[1]), nil
if ARGV[2] == 'w' then
  local owned = false
  local groups = redis.pcall('XINFO', 'GROUPS', KEYS[7])
  if not groups.err then
    for _, flat in ipairs(groups) do
      owned = owned or pairs_of(flat)['name'] == ARGV[3]
    end
  end
  if not owned then
    return 'no owner'
  end
  -- Other groups of the event settle it unseen.
  stored = redis.call('XADD', KEYS[7], '*', 'd', fields['data'], 'g', ARGV[3])
else
  if redis.call('HEXISTS', KEYS[6], ARGV[3]) == 0 then
    return 'no owner'
  end
  stored = redis.call('XADD', KEYS[7], '*', 'd', fields['data'], 'e', fields['event'])
end
redis.call('HINCRBY', KEYS[8], 'added', 1)
expire(KEYS[7], ttl)
expire(KEYS[8], ttl)
redis.call('XDEL', KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[5], now, 'r' .. ARGV[1])
expire(KEYS[5], 60000)
count(KEYS[2], 'redriven', 1, ttl)
journal(KEYS[3], ttl, 'redrive', 'event', fields['event'], 'to', ARGV[3], 'position', stored)
return 'done'
