-- Shared: the options in force, the most generous announced ones, kept in one hash.

local OPTIONS = {
  'message_retention', 'max_message_count', 'max_backlog', 'stream_ttl', 'backlog_ttl',
  'dead_letter_retention', 'max_dead_letters'
}
local LONGEST = 100000000000000 -- beyond it a server refuses the sum with its clock

local function words(line)
  local result = {}
  for word in string.gmatch(line, '[^ ]+') do
    result[#result + 1] = word
  end
  return result
end

local function to_ms(seconds)
  if seconds < 0 then
    return -1
  end
  return math.min(LONGEST, math.ceil(seconds * 1000))
end

-- Recompute from the lines of all live incarnations (see records.py). Called when one joins or
-- ends, never at a heartbeat. When nobody is left the last options stay.
local function merge_options(incarnations, options)
  local best, longest_lease = {}, 0
  local lines = redis.call('HVALS', incarnations)
  if #lines == 0 then
    return
  end
  for _, line in ipairs(lines) do
    local field = words(line)
    longest_lease = math.max(longest_lease, tonumber(field[1]))
    for i = 1, #OPTIONS do
      local value, known = tonumber(field[3 + i]), tonumber(best[i] or nil)
      if not known or (known >= 0 and (value < 0 or value > known)) then
        best[i] = field[3 + i]
      end
    end
  end
  local flat = {}
  for i, name in ipairs(OPTIONS) do
    flat[#flat + 1] = name
    flat[#flat + 1] = best[i]
  end
  local stream_ttl, backlog_ttl = to_ms(tonumber(best[4])), to_ms(tonumber(best[5]))
  local ttl = -1
  if stream_ttl >= 0 and backlog_ttl >= 0 then
    -- A bus in use must outlive the gap between two heartbeats.
    ttl = math.max(stream_ttl, backlog_ttl, 3 * longest_lease)
  end
  redis.call(
    'HMSET', options, 'ttl', ttl, 'stream_ttl_ms', stream_ttl, 'backlog_ttl_ms', backlog_ttl,
    'dead_ttl', to_ms(tonumber(best[6])), unpack(flat)
  )
  expire(options, ttl)
end
