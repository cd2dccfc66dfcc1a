-- Delete a dead letter.
-- Uses: common
-- KEYS  1 options 2 totals 3 dead 4 answered
-- ARGV  1 entry id 2 1: the reply of a call before this one was lost
-- Returns 1, or 0 when there is none; after a lost reply, within a minute, what it said.

local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - 60000)
if redis.call('XDEL', KEYS[3], ARGV[1]) == 0 then
  return ARGV[2] == '1' and redis.call('ZSCORE', KEYS[4], 'd' .. ARGV[1]) and 1 or 0
end
redis.call('ZADD', KEYS[4], now, 'd' .. ARGV[1])
expire(KEYS[4], 60000)
count(KEYS[2], 'discarded', 1, ttl_in_use(KEYS[1]))
return 1
