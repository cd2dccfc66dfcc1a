-- Set failed entries aside until they are due again.
-- Uses: common
-- KEYS  1 leases 2 options 3 totals 4 stream 5 counts 6 claimable 7 due 8 notes 9 journal
--       10 control
-- ARGV  1 incarnation 2 group 3 channel ('' for an inbox: nobody else is woken) 4 pseudo-consumer,
--       then for each entry: id, recorded starts plus one, delay in ms, note
-- Returns how many were set aside. What this incarnation does not own is left alone.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local ttl, now = ttl_in_use(KEYS[2]), now_ms()
local group, taken, starts, soonest = ARGV[2], {}, 0, nil
for i = 5, #ARGV, 4 do
  local id, note = ARGV[i], ARGV[i + 3]
  if pending(KEYS[4], group, id) == ARGV[1] then
    redis.call('XCLAIM', KEYS[4], group, ARGV[4], 0, id, 'RETRYCOUNT', ARGV[i + 1], 'JUSTID')
    if pending(KEYS[4], group, id) then
      local due = now + tonumber(ARGV[i + 2])
      redis.call('ZADD', KEYS[7], due, id)
      if note ~= '' then
        redis.call('HSET', KEYS[8], id, note)
      else
        redis.call('HDEL', KEYS[8], id)
      end
      soonest = math.min(soonest or due, due)
      taken[#taken + 1] = id
      starts = math.max(starts, ARGV[i + 1] - 1)
    else
      add_settled(KEYS[5], group, 1, ttl)
      count(KEYS[3], 'lost: work deleted', 1, ttl)
    end
  end
end
if #taken > 0 then
  note_moved(KEYS[5], ttl)
  if ARGV[3] ~= '' then
    ring(KEYS[6], KEYS[10], ARGV[3], soonest, ttl)
  end
  expire(KEYS[7], ttl)
  expire(KEYS[8], ttl)
  count(KEYS[3], 'retries', #taken, ttl)
  journal(
    KEYS[9], ttl, 'retry', 'channel', ARGV[3], 'count', #taken, 'by', ARGV[1],
    'positions', some(taken, 20), 'starts', starts
  )
end
return #taken
