-- Record starts of handlers of broadcasts, for an instance with a fixed id.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 attempts
-- ARGV  1 incarnation, then for each entry: id, recorded starts
-- Returns 1.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
redis.call('HMSET', KEYS[4], unpack(ARGV, 2))
expire(KEYS[4], ttl_in_use(KEYS[2]))
return 1
