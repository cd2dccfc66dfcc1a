-- Announce one incarnation with its subscriptions live, or tell who holds its instance id.
-- Uses: common, options, channels
-- KEYS  1 leases 2 options 3 totals 4 renewals 5 incarnations 6 holders 7 instances 8 targets
--       9 remembered 10 epoch 11 groups 12 abandoned 13 broadcast 14 broadcast counts 15 cursors
--       16 attempts 17 channels of the incarnation 18 events 19 inbox 20 inbox counts,
--       then for each work channel: stream, counts
-- ARGV  1 incarnation 2 instance id 3 line 4 record 5 lease in ms 6 only new 7 consumes
--       8 a random epoch 9 group for a new inbox 10 epoch and 11 cursor of the session before
--       in the same process ('' none), then each work channel
-- Returns {0, incarnation, lease in ms, renewals, expired} of the holder, or {1, epoch,
-- inbox group, cursor, replayed, last broadcast, options, attempts, server time, retained
-- broadcasts}.

local incarnation, id = ARGV[1], ARGV[2]
local now = now_ms()
local holder = redis.call('HGET', KEYS[6], id)
if holder and holder ~= incarnation then
  local ends = redis.call('ZSCORE', KEYS[1], holder)
  local line = redis.call('HGET', KEYS[5], holder)
  if ends and line then
    return {
      0, holder, words(line)[1], redis.call('HGET', KEYS[4], holder) or '0',
      tonumber(ends) < now and 1 or 0
    }
  end
end

redis.call('ZADD', KEYS[1], now + tonumber(ARGV[5]), incarnation)
redis.call('HINCRBY', KEYS[4], incarnation, 1)
redis.call('HSET', KEYS[5], incarnation, ARGV[3])
redis.call('HSET', KEYS[6], id, incarnation)
redis.call('HSET', KEYS[7], id, ARGV[4])
redis.call('ZREM', KEYS[9], id)
redis.call('SETNX', KEYS[10], ARGV[8])
merge_options(KEYS[5], KEYS[2])
note_announced(KEYS[2])
local ttl = ttl_in_use(KEYS[2])
for _, index in ipairs({1, 4, 5, 6, 7, 10}) do
  expire(KEYS[index], ttl)
end
local only_new = ARGV[6] == '1'
local fault = open_channels(21, 12, only_new, ttl, KEYS[17], KEYS[18], KEYS[11], KEYS[12])
if fault then
  return fault
end

local counted = redis.call('HMGET', KEYS[14], 'added', 'last')
local newest = (counted[2] or '0-0') .. ' ' .. (counted[1] or '0')
local inbox_group, cursor, replayed = '', newest, 0
if ARGV[7] == '1' then
  -- An inbox that is being turned into dead letters is this instance's again from now on.
  local given_up = redis.call('HGET', KEYS[12], 'inbox ' .. id)
  inbox_group = redis.call('HGET', KEYS[8], id) or given_up or ARGV[9]
  redis.call('HDEL', KEYS[12], 'inbox ' .. id)
  redis.call('HSET', KEYS[8], id, inbox_group)
  expire(KEYS[8], ttl)
  fault = open_group(KEYS[19], KEYS[20], inbox_group, false, ttl)
  if fault then
    return fault
  end
  local kept = redis.call('HGET', KEYS[15], id)
  -- A repeated call of the same incarnation finds the cursor that its first one stored.
  local fresh = not kept or (holder == incarnation and kept == '0-0 0')
  if ARGV[11] ~= '' and redis.call('GET', KEYS[10]) == ARGV[10] then
    kept, fresh = ARGV[11], false
  end
  cursor = kept
  if fresh then
    if only_new then
      cursor = newest
    else
      cursor = '0-0 0'
      replayed = redis.call('XLEN', KEYS[13])
    end
  end
  redis.call('HSET', KEYS[15], id, cursor)
  expire(KEYS[15], ttl)
end
return {
  1, redis.call('GET', KEYS[10]), inbox_group, cursor, replayed, newest,
  redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[16]), now,
  redis.call('XLEN', KEYS[13])
}
