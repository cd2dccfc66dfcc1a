-- Announce other subscriptions and open their work channels.
-- Uses: common, channels
-- KEYS  1 leases 2 options 3 totals 4 instances 5 groups 6 abandoned 7 broadcast counts
--       8 channels of the incarnation 9 events, then for each work channel: stream, counts
-- ARGV  1 incarnation 2 instance id 3 record 4 only new, then each work channel
-- Returns the entry id of the newest broadcast.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local ttl = ttl_in_use(KEYS[2])
local fault = open_channels(10, 5, ARGV[4] == '1', ttl, KEYS[8], KEYS[9], KEYS[5], KEYS[6])
if fault then
  return fault
end
redis.call('HSET', KEYS[4], ARGV[2], ARGV[3])
expire(KEYS[4], ttl)
note_announced(KEYS[2])
return redis.call('HGET', KEYS[7], 'last') or '0-0'
