-- Store one batch of messages, all or nothing but for those that are refused one by one.
-- Uses: common
-- KEYS  1 leases 2 options 3 sent 4 targets 5 events 6 totals,
--       then for each stream: stream, its counts
-- ARGV  1 incarnation 2 publisher 3 batch 4 number of streams,
--       then for each stream: kind (b broadcast, i inbox, w work), instance id or event;
--       then for each message: number of its stream, event, packed envelope
-- Returns the refused as "b<index>" (backlog full) and "t<index>" (no such target), each followed
-- by a blank. A batch that was stored before stores nothing and returns the same.

local incarnation, publisher, batch, streams = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not redis.call('ZSCORE', KEYS[1], incarnation) then
  return fenced(KEYS[6], KEYS[2])
end
local stored_before = redis.call('HGET', KEYS[3], publisher)
if stored_before then
  local number, refusals = string.match(stored_before, '^(%d+):%d+:(.*)$')
  if tonumber(number) >= tonumber(batch) then
    return number == batch and refusals or ''
  end
end
local options = redis.call('HMGET', KEYS[2], 'ttl', 'max_backlog')
-- Nothing after the first XADD may fail, or a repeated call would store everything again: also
-- not when somebody deleted the options.
local ttl, limit = ttl_in_use(KEYS[2]), tonumber(options[2] or 100000)

-- How many more one stream takes: as many as its fullest group has room for.
local function room_of(stream, counts)
  local flat = redis.call('HGETALL', counts)
  local added, least, grouped = 0, nil, false
  for i = 1, #flat, 2 do
    if flat[i] == 'added' then
      added = tonumber(flat[i + 1])
    elseif string.sub(flat[i], 1, 8) == 'settled:' then
      local settled = tonumber(flat[i + 1])
      if not least or settled < least then
        least = settled
      end
    end
  end
  if least then
    return limit - (added - least)
  end
  return limit - redis.call('XLEN', stream)
end

local kind, key, room, stored, last = {}, {}, {}, {}, nil
local number = 0
for s = 1, streams do
  local index, what, name = tostring(s), ARGV[3 + 2 * s], ARGV[4 + 2 * s]
  local stream, counts = KEYS[5 + 2 * s], KEYS[6 + 2 * s]
  kind[index], key[index], stored[index] = what, stream, 0
  if what == 'b' then
    number = tonumber(redis.call('HGET', counts, 'added') or 0)
  elseif what == 'i' and redis.call('HEXISTS', KEYS[4], name) == 0 then
    kind[index] = 't'
  else
    room[index] = room_of(stream, counts)
  end
end

local refused = {}
local position = 0
for i = 5 + 2 * streams, #ARGV, 3 do
  local index = ARGV[i]
  local what = kind[index]
  if what == 'b' then
    number = number + 1
    last = redis.call('XADD', key[index], '*', 'd', ARGV[i + 2], 'e', ARGV[i + 1], 'n', number)
    stored[index] = stored[index] + 1
  elseif what == 't' then
    refused[#refused + 1] = 't' .. position .. ' '
  elseif room[index] <= 0 then
    refused[#refused + 1] = 'b' .. position .. ' '
  else
    if what == 'w' then
      redis.call('XADD', key[index], '*', 'd', ARGV[i + 2])
    else
      redis.call('XADD', key[index], '*', 'd', ARGV[i + 2], 'e', ARGV[i + 1])
    end
    room[index] = room[index] - 1
    stored[index] = stored[index] + 1
  end
  position = position + 1
end

for s = 1, streams do
  local index = tostring(s)
  if stored[index] > 0 then
    local counts = KEYS[6 + 2 * s]
    if kind[index] == 'b' then
      redis.call('HMSET', counts, 'added', number, 'last', last)
    else
      redis.call('HINCRBY', counts, 'added', stored[index])
      if kind[index] == 'w' then
        redis.call('SADD', KEYS[5], ARGV[4 + 2 * s])
        expire(KEYS[5], ttl)
      end
    end
    expire(key[index], ttl)
    expire(counts, ttl)
  end
end
local refusals = table.concat(refused)
redis.call('HSET', KEYS[3], publisher, batch .. ':' .. now_ms() .. ':' .. refusals)
expire(KEYS[3], ttl)
return refusals
