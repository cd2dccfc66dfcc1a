-- Note that work channels have a live member.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 groups
-- ARGV  1 incarnation, then each work channel
-- Returns 1.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local now = now_ms()
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[4], now, ARGV[i])
end
expire(KEYS[4], ttl_in_use(KEYS[2]))
return 1
