-- Give up a group in which nobody works; what it still holds is drained afterwards.
-- Uses: common, options
-- KEYS  1 leases 2 incarnations 3 instances 4 groups 5 abandoned 6 options 7 stream 8 counts
-- ARGV  1 channel 2 group 3 how the record of an instance that can be read begins 4 what is in it
--       when the instance is subscribed to the channel
-- Returns 1, or 0 when there is no such group, or somebody works in it.

local known = redis.call('ZSCORE', KEYS[4], ARGV[1])
  or redis.call('HEXISTS', KEYS[8], 'settled:' .. ARGV[2]) == 1
local held = redis.pcall('XPENDING', KEYS[7], ARGV[2])
if held.err and not known then
  return 0
end
if not held.err then
  for _, share in ipairs(held[4] or {}) do
    if redis.call('ZSCORE', KEYS[1], share[1]) then
      return 0
    end
  end
end
for _, incarnation in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local line = words(redis.call('HGET', KEYS[2], incarnation) or '')
  local record = redis.call('HGET', KEYS[3], line[#line] or '') or ''
  -- Of one whose record is missing or in a newer format nobody knows what it works for.
  if string.sub(record, 1, #ARGV[3]) ~= ARGV[3] or string.find(record, ARGV[4], 1, true) then
    return 0
  end
end
redis.call('HDEL', KEYS[5], 'group ' .. ARGV[1])
redis.call('HSET', KEYS[5], 'dropped ' .. ARGV[1], ARGV[2])
expire(KEYS[5], ttl_in_use(KEYS[6]))
return 1
