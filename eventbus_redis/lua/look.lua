-- Look at some streams, and at where each of their consumer groups stands: each stream in one step,
-- and closely only where it is not as it was. Reads only.
-- Uses: common, trimming, looking
-- KEYS  for each stream: itself, its counts, then of some groups what is set aside
-- ARGV  1 most work of this call (see below) 2 pseudo-consumer of the delayed, then for each stream:
--       its length at the last look ('' for a close look), first id after its newest entry then,
--       where its groups stood then ('' not to be compared), number of groups, then these
-- Returns for each stream, in order: 0 when it is as it was; an error; or {where its groups stand,
-- length, id of the oldest entry, of the newest ('' none), counts as names and values, and for each
-- group: {name, number never handed out, id of the oldest pending entry ('' none), consumers and
-- the number that each has pending, number set aside that is due (0 when its key is not given)}}.
-- Work: 1 for each entry that has to be counted one by one, and as below for each stream. What
-- would go beyond is left for another call, but not the first stream.

local GLANCE, STANDING, CLOSE, NONE = 3, 10, 20, {}
local left, now = tonumber(ARGV[1]), now_ms()
local NAME, PENDING, LAST, LAG -- where they are in what XINFO tells of a group

-- Where the groups stand: what XINFO tells, and that as one text, behind the values of the counts
-- (`parts`) and with what is due. Entries that change hands change only the count `moved` in it.
local function standing(stream, parts, due)
  local groups, n = redis.pcall('XINFO', 'GROUPS', stream), #parts
  -- An error, and then nothing to go through: no such stream.
  for _, told in ipairs(groups) do
    if not NAME then
      local place = {}
      for at = 1, #told, 2 do
        place[told[at]] = at + 1
      end
      NAME, PENDING, LAST = place['name'], place['pending'], place['last-delivered-id']
      LAG = place['lag'] or 0
    end
    parts[n + 1], parts[n + 2], parts[n + 3], parts[n + 4] =
      told[NAME], told[PENDING], told[LAST], told[LAG] or ''
    n = n + 4
  end
  for _, aside in ipairs(due) do
    aside.number = redis.call('ZCOUNT', aside.key, '-inf', now)
    if aside.number > 0 then
      parts[n + 1], parts[n + 2] = aside.group, aside.number
      n = n + 2
    end
  end
  return table.concat(parts, ' '), groups
end

-- Two counters, kept by different hands: ours of what was added and settled, and from 7.0 on the
-- server's. Each is wrong after steps that the other survives (entries that another program wrote
-- or deleted, a group that was made in the middle), so only where they agree they are believed.
local function lag_of(stream, group, kept, counts)
  local settled = tonumber(counts['settled:' .. group[NAME]] or 0)
  local ours, told = tonumber(counts['added'] or 0) - settled - group[PENDING], group[LAG] or nil
  return behind(stream, kept, group[LAST], told == ours and told or nil, told or ours, left)
end

-- Everything of a stream whose groups stand as `text` says.
local function closely(stream, flat, due, text, groups)
  local kept, counts, due_in, found = extent(stream), pairs_of(flat), {}, {}
  for _, aside in ipairs(due) do
    due_in[aside.group] = aside.number
  end
  for i, group in ipairs(groups) do
    local lag, oldest, shares = nil, '', NONE
    lag, left = lag_of(stream, group, kept, counts)
    if group[PENDING] > 0 then
      local held = redis.call('XPENDING', stream, group[NAME])
      oldest, shares = held[2], {}
      for j, share in ipairs(held[4]) do
        shares[2 * j - 1], shares[2 * j] = share[1], share[2]
      end
    end
    found[i] = {group[NAME], lag, oldest, shares, due_in[group[NAME]] or 0}
  end
  left = left - CLOSE
  return {
    text, kept.length, kept.oldest and kept.oldest[1] or '', kept.newest and kept.newest[1] or '',
    flat, found
  }
end

-- What is answered of a stream. When nothing is stored `from` that id on, and nothing is gone, every
-- entry is as it was.
local function look_at(stream, counts, due, was, from, stood)
  left = left - GLANCE
  if was ~= '' then
    local length = redis.call('XLEN', stream)
    local same = length == tonumber(was) and (
      length == 0 or #redis.call('XRANGE', stream, from, '+', 'COUNT', 1) == 0
    )
    if same and (
      stood == '' or standing(stream, redis.call('HVALS', counts), due) == stood
    ) then
      left = left - (stood == '' and 0 or STANDING)
      return 0
    end
  end
  local flat, values = redis.call('HGETALL', counts), {}
  for i = 2, #flat, 2 do
    values[i / 2] = flat[i]
  end
  left = left - STANDING
  local text, groups = standing(stream, values, due)
  return closely(stream, flat, due, text, groups)
end

local result, key, at = {}, 1, 3
while at <= #ARGV do
  local due, number = NONE, tonumber(ARGV[at + 3])
  if number > 0 then
    due = {}
    for i = 1, number do
      due[i] = {group = ARGV[at + 3 + i], key = KEYS[key + 1 + i]}
    end
  end
  local fine, answer = pcall(
    look_at, KEYS[key], KEYS[key + 1], due, ARGV[at], ARGV[at + 1], ARGV[at + 2]
  )
  if not fine then
    answer = type(answer) == 'table' and answer or {err = tostring(answer)}
  end
  if left < 0 and #result > 0 then
    break
  end
  key, at, result[#result + 1] = key + 2 + number, at + 4 + number, answer
end
return result
