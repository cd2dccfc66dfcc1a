-- Settle entries as done. What is not pending any more was settled by an earlier call.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 stream 5 counts 6 notes
-- ARGV  1 incarnation 2 group 3 number of entries with a note, then these, then all entries
-- Returns how many this call settled.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local group, noted = ARGV[2], tonumber(ARGV[3])
local settled = 0
for first = 4 + noted, #ARGV, 1000 do
  local final = math.min(first + 999, #ARGV)
  settled = settled + redis.call('XACK', KEYS[4], group, unpack(ARGV, first, final))
end
for i = 4, 3 + noted do
  redis.call('HDEL', KEYS[6], ARGV[i])
end
if settled > 0 then
  add_settled(KEYS[5], group, settled, ttl_in_use(KEYS[2]))
end
return settled
