-- Store how far a fixed id has handled broadcasts, and drop the attempts it does not need now.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 cursors 5 attempts
-- ARGV  1 incarnation 2 instance id 3 cursor, then entries whose attempts are over
-- Returns 1.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
redis.call('HSET', KEYS[4], ARGV[2], ARGV[3])
expire(KEYS[4], ttl_in_use(KEYS[2]))
for i = 4, #ARGV do
  redis.call('HDEL', KEYS[5], ARGV[i])
end
return 1
