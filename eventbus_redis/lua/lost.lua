-- Settle pending entries whose messages somebody deleted, and count them as lost.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 journal 5 stream 6 counts
-- ARGV  1 incarnation 2 group 3 channel ('' for an inbox), then the entries
-- Returns how many there were.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local ttl, lost = ttl_in_use(KEYS[2]), 0
for i = 4, #ARGV do
  lost = lost + redis.call('XACK', KEYS[5], ARGV[2], ARGV[i])
end
if lost > 0 then
  add_settled(KEYS[6], ARGV[2], lost, ttl)
  count(KEYS[3], 'lost: work deleted', lost, ttl)
  journal(KEYS[4], ttl, 'loss', 'channel', ARGV[3], 'count', lost, 'cause', 'deleted')
end
return lost
