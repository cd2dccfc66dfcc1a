-- Prolong the lease of one incarnation and look for what changed.
-- Uses: common, options
-- KEYS  1 leases 2 options 3 totals 4 renewals 5 claimable 6 epoch 7 cursors 8 incarnations
--       9 broadcast counts 10 vitals
-- ARGV  1 incarnation 2 lease in ms 3 epoch 4 instance id 5 cursor ('' for none)
--       6 what monitors shall see of it ('' for nothing new)
-- Returns {server time, options, expired incarnations, their lines, claimable channels and
-- times, entry id of the newest broadcast}.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('GET', KEYS[6]) ~= ARGV[3] then
  return fenced(KEYS[3], KEYS[2])
end
local now = now_ms()
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('HINCRBY', KEYS[4], ARGV[1], 1)
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[7], ARGV[4], ARGV[5])
end
if redis.call('EXISTS', KEYS[2]) == 0 then
  merge_options(KEYS[8], KEYS[2]) -- somebody deleted them
end
if ARGV[6] ~= '' and redis.call('HSET', KEYS[10], ARGV[1], ARGV[6]) == 1 then
  expire(KEYS[10], ttl_in_use(KEYS[2]))
end
local expired = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - 1, 'LIMIT', 0, 100)
local lines = {}
for i, incarnation in ipairs(expired) do
  lines[i] = redis.call('HGET', KEYS[8], incarnation) or ''
end
-- All of it as a rule; on a bus with more such channels the soonest ones go first.
local claimable = redis.call('ZRANGE', KEYS[5], 0, 999, 'WITHSCORES')
return {
  now, redis.call('HGETALL', KEYS[2]), expired, lines, claimable,
  redis.call('HGET', KEYS[9], 'last') or '0-0'
}
