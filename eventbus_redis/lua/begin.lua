-- Record starts of handlers in the delivery counts of pending entries.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 stream
-- ARGV  1 incarnation 2 group, then for each entry: id, recorded starts plus one
-- Returns 1.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local incarnation, group = ARGV[1], ARGV[2]
for i = 3, #ARGV, 2 do
  -- Sent again after a lost reply, or behind the settlement where the server did not know this
  -- script, it must not take back what was handed back meanwhile.
  if pending(KEYS[4], group, ARGV[i]) == incarnation then
    redis.call(
      'XCLAIM', KEYS[4], group, incarnation, 0, ARGV[i], 'RETRYCOUNT', ARGV[i + 1], 'JUSTID'
    )
  end
end
return 1
