-- Shared: looking at a stream without changing anything.

-- What is stored: {length, oldest, newest}, each of these two {id, fields}, or false when there
-- is none. Or an error.
local function extent(stream)
  local told = redis.pcall('XINFO', 'STREAM', stream)
  if not told.err then
    local known = pairs_of(told)
    return {length = known['length'], oldest = known['first-entry'], newest = known['last-entry']}
  end
  if redis.call('EXISTS', stream) == 0 then
    return {length = 0, oldest = false, newest = false}
  end
  return told
end

-- How many entries are behind `id`: without counting where the ends tell, else what a counter says
-- (`expected`, nil when it cannot be trusted), else counted one by one, up to `left` entries of
-- this whole script, which returns how many of these are left then. Beyond that the nearest number
-- to `guess` that can be true.
local function behind(stream, seen, id, expected, guess, left)
  if not seen.newest or not before(id, seen.newest[1]) then
    return 0, left
  end
  if before(id, seen.oldest[1]) then
    return seen.length, left
  end
  if expected and expected > 0 and expected < seen.length then
    return expected, left
  end
  local found = #redis.call('XRANGE', stream, id_after(id), '+', 'COUNT', left + 1)
  if found <= left then
    return found, left - found
  end
  return math.max(found, math.min(guess, seen.length - 1)), 0
end
