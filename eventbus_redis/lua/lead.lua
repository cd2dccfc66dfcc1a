-- Become the one instance that does the maintenance, or end that.
-- KEYS  1 lock 2 leases
-- ARGV  1 incarnation 2 ms to hold it
-- Returns 1 when it is this instance's, else 0.

local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and redis.call('ZSCORE', KEYS[2], holder) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
