-- Create a consumer group again that somebody removed, where nothing unhandled is skipped.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 journal 5 stream 6 counts
-- ARGV  1 incarnation 2 group
-- Returns 1 if it was missing, else 0.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local group = ARGV[2]
local safe = redis.call('HGET', KEYS[6], 'safe:' .. group) or '0-0'
-- A stream that was deleted, and a clock that stepped back: what is stored next may be below it.
local known = redis.pcall('XINFO', 'STREAM', KEYS[5])
if known.err or before(pairs_of(known)['last-generated-id'], safe) then
  safe = '0-0'
end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[5], group, safe, 'MKSTREAM')
if made.err then
  if string.find(tostring(made.err), 'BUSYGROUP', 1, true) then
    return 0
  end
  return made
end
local ttl = ttl_in_use(KEYS[2])
if redis.call('XLEN', KEYS[5]) == 0 then
  redis.call('HSET', KEYS[6], 'settled:' .. group, redis.call('HGET', KEYS[6], 'added') or 0)
end
expire(KEYS[5], ttl)
expire(KEYS[6], ttl)
count(KEYS[3], 'groups rebuilt', 1, ttl)
journal(KEYS[4], ttl, 'group rebuilt', 'stream', KEYS[5], 'group', group, 'from', safe)
return 1
