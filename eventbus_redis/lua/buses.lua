-- Note that a bus is in use, in the one key outside every bus, and forget those that are gone.
-- Uses: common
-- KEYS  1 eventbus:buses
-- ARGV  1 bus 2 its life in ms, negative for ever
-- Returns 1.

local now, ttl = now_ms(), tonumber(ARGV[2])
local left = redis.call('PTTL', KEYS[1]) -- -1: for ever, -2: no such key
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], ttl < 0 and '+inf' or now + ttl, ARGV[1])
if ttl < 0 then
  redis.call('PERSIST', KEYS[1])
elseif left ~= -1 then
  redis.call('PEXPIRE', KEYS[1], math.max(ttl, left))
end
return 1
