-- Hand entries back, for any member of the group, with their counts and notes as given.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 stream 5 counts 6 claimable 7 control 8 notes
-- ARGV  1 incarnation 2 group 3 channel ('' for an inbox: nobody else is woken) 4 pseudo-consumer,
--       then for each entry: id, recorded starts plus one, note
-- Returns how many were handed back. What this incarnation does not own is left alone.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local ttl = ttl_in_use(KEYS[2])
local group = ARGV[2]
local released, noted = 0, 0
for i = 5, #ARGV, 3 do
  local id, note = ARGV[i], ARGV[i + 2]
  if pending(KEYS[4], group, id) == ARGV[1] then
    redis.call('XCLAIM', KEYS[4], group, ARGV[4], 0, id, 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
    if pending(KEYS[4], group, id) then
      released = released + 1
      if note ~= '' then
        redis.call('HSET', KEYS[8], id, note)
        noted = noted + 1
      else
        redis.call('HDEL', KEYS[8], id)
      end
    else
      -- From 7.0 on the server drops a pending entry whose message was deleted.
      add_settled(KEYS[5], group, 1, ttl)
      count(KEYS[3], 'lost: work deleted', 1, ttl)
    end
  end
end
if released > 0 then
  note_moved(KEYS[5], ttl)
end
if noted > 0 then
  expire(KEYS[8], ttl)
end
if released > 0 and ARGV[3] ~= '' then
  ring(KEYS[6], KEYS[7], ARGV[3], now_ms(), ttl)
end
return released
