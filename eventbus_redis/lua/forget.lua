-- Give up a fixed id that was not alive for backlog_ttl; its inbox is emptied afterwards.
-- Uses: common
-- KEYS  1 options 2 remembered 3 targets 4 abandoned 5 cursors 6 instances 7 holders 8 attempts
-- ARGV  1 instance id
-- Returns 1, or 0 when it came back.

local until_ms = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not until_ms or tonumber(until_ms) > now_ms() then
  return 0
end
local group = redis.call('HGET', KEYS[3], ARGV[1])
if group then
  redis.call('HSET', KEYS[4], 'inbox ' .. ARGV[1], group)
  expire(KEYS[4], ttl_in_use(KEYS[1]))
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
redis.call('HDEL', KEYS[6], ARGV[1])
redis.call('HDEL', KEYS[7], ARGV[1])
redis.call('DEL', KEYS[8])
return 1
