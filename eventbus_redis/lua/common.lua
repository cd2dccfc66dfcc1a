-- Shared by the scripts that name it under "Uses": time, leases, expiry, counters, the journal.

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Give a key its life; a negative one means for ever.
local function expire(key, ttl)
  if ttl < 0 then
    redis.call('PERSIST', key)
  else
    redis.call('PEXPIRE', key, ttl)
  end
end

-- The life of a key of a bus in use, in milliseconds. Without options the bus is unused or lost.
local function ttl_in_use(options)
  return tonumber(redis.call('HGET', options, 'ttl') or 3600000)
end

local function count(totals, cause, number, ttl)
  redis.call('HINCRBY', totals, cause, number)
  expire(totals, ttl)
end

-- The error that every script of a fenced incarnation answers; the refusal is counted.
local function fenced(totals, options)
  count(totals, 'refused: fenced', 1, ttl_in_use(options))
  return redis.error_reply('FENCED this incarnation is not alive')
end

local function journal(key, ttl, kind, ...)
  redis.call('XADD', key, 'MAXLEN', '~', 1000, '*', 'kind', kind, ...)
  expire(key, ttl)
end

-- The first words of a list, for the journal: what it says is bounded.
local function some(words, most)
  return table.concat(words, ' ', 1, math.min(#words, most))
end

-- Add to a counter that must not outlive its expiry when it was made just now.
local function add_settled(counts, group, number, ttl)
  if number > 0 and redis.call('HINCRBY', counts, 'settled:' .. group, number) == number then
    expire(counts, ttl)
  end
end

-- Note that pending entries have changed hands: a monitor that looks again and again learns it from
-- this count, without looking at who has what.
local function note_moved(counts, ttl)
  if redis.call('HINCRBY', counts, 'moved', 1) == 1 then
    expire(counts, ttl)
  end
end

-- Note among the options that an instance announced something: a monitor that looks again and again
-- reads all announcements only when this count has changed. Of deleted options nothing is left to
-- be made, as they would live for ever.
local function note_announced(options)
  if redis.call('EXISTS', options) == 1 then
    redis.call('HINCRBY', options, 'announced', 1)
  end
end

-- Wake blocked instances to look at a work channel for something to take over, now or when it is
-- due.
local function ring(claimable, control, channel, due, ttl)
  local known = redis.call('ZSCORE', claimable, channel)
  if not known or tonumber(known) > due then
    redis.call('ZADD', claimable, due, channel)
    expire(claimable, ttl)
  end
  if control then
    local after = string.format('%.0f', math.max(0, due - now_ms()))
    redis.call('XADD', control, 'MAXLEN', '~', 1000, '*', 'c', channel, 'in', after)
    expire(control, ttl)
  end
end

-- The pending entry of that id: its consumer and number of deliveries; nil when there is none.
local function pending(stream, group, id)
  local found = redis.pcall('XPENDING', stream, group, id, id, 1)
  if found.err or not found[1] then
    return nil
  end
  return found[1][2], found[1][4]
end

local function split_id(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end

local function before(a, b)
  local a_ms, a_sequence = split_id(a)
  local b_ms, b_sequence = split_id(b)
  if a_ms ~= b_ms then
    return a_ms < b_ms
  end
  return a_sequence < b_sequence
end

-- A flat reply of names and values as a table.
local function pairs_of(flat)
  local result = {}
  for i = 1, #flat, 2 do
    result[flat[i]] = flat[i + 1]
  end
  return result
end
