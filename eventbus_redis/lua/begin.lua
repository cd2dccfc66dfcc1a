-- Record starts of handlers in the delivery counts of pending entries.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 stream
-- ARGV  1 incarnation 2 group, then for each entry: id, recorded starts plus one
-- Returns 1.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
for i = 3, #ARGV, 2 do
  -- Whoever is alive owns what it holds: nothing is taken away from another one here. An entry
  -- that is not pending (any more) is left alone, and so is a group that is gone.
  redis.pcall('XCLAIM', KEYS[4], ARGV[2], ARGV[1], 0, ARGV[i], 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
end
return 1
