-- Turn one message into a dead letter and settle it, in one step.
-- Uses: common, letters
-- KEYS  1 leases 2 options 3 totals 4 journal 5 dead 6 stream 7 counts 8 notes
--       (for a broadcast 6 is the instance's attempts and 7 and 8 repeat it)
-- ARGV  1 incarnation 2 p (pending entry) or b (broadcast) 3 consumer group 4 entry id,
--       then the fields of the letter: 5 data 6 event 7 instance 8 group 9 reason 10 error
--       11 traceback 12 attempts
-- Returns 1, or 0 when it was done before or belongs to somebody else.

if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  return fenced(KEYS[3], KEYS[2])
end
local ttl = ttl_in_use(KEYS[2])
if ARGV[2] == 'b' then
  if redis.call('HGET', KEYS[6], ARGV[4]) == 'dead' then
    return 0
  end
  redis.call('HSET', KEYS[6], ARGV[4], 'dead')
  expire(KEYS[6], ttl)
else
  if pending(KEYS[6], ARGV[3], ARGV[4]) ~= ARGV[1] then
    return 0
  end
  add_settled(KEYS[7], ARGV[3], redis.call('XACK', KEYS[6], ARGV[3], ARGV[4]), ttl)
  redis.call('HDEL', KEYS[8], ARGV[4])
end
letter(KEYS[5], KEYS[2], KEYS[3], unpack(ARGV, 5, 12))
journal(
  KEYS[4], ttl, 'dead letter', 'event', ARGV[6], 'group', ARGV[8], 'instance', ARGV[7],
  'reason', ARGV[9], 'position', ARGV[4]
)
return 1
