-- Shared: looking at a stream without changing anything.

-- What is stored: {length, oldest, newest}, each of these two {id, fields}, or false when there
-- is none.
local function extent(stream)
  local length = redis.call('XLEN', stream)
  if length == 0 then
    return {length = 0, oldest = false, newest = false}
  end
  return {
    length = length,
    oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1],
    newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  }
end

-- As `before`, for ids that come again: each is taken apart once.
local parts = {}
local function apart(id)
  local known = parts[id]
  if not known then
    known = {split_id(id)}
    parts[id] = known
  end
  return known[1], known[2]
end
local function is_before(a, b)
  local a_ms, a_sequence = apart(a)
  local b_ms, b_sequence = apart(b)
  return a_ms < b_ms or (a_ms == b_ms and a_sequence < b_sequence)
end

-- How many entries are behind `id`: without counting where the ends tell, else what a counter says
-- (`expected`, nil when it cannot be trusted), else counted one by one, up to `left` entries of
-- this whole script; returns how many of these are left then, too. When they do not suffice: the
-- nearest number to `guess` that can be true, and -1.
local function behind(stream, seen, id, expected, guess, left)
  if not seen.newest or not is_before(id, seen.newest[1]) then
    return 0, left
  end
  if is_before(id, seen.oldest[1]) then
    return seen.length, left
  end
  if expected and expected > 0 and expected < seen.length then
    return expected, left
  end
  local most = math.max(left, 0)
  local found = #redis.call('XRANGE', stream, id_after(id), '+', 'COUNT', most + 1)
  if found <= most then
    return found, most - found
  end
  return math.max(found, math.min(guess, seen.length - 1)), -1
end
