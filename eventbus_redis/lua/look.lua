-- Look at some streams, and at where each of their consumer groups stands: each stream in one step,
-- and closely only where it is not as it was. Reads only.
-- Uses: common, trimming, looking
-- KEYS  for each stream: itself, its counts, then of some groups what is set aside
-- ARGV  1 most work of this call (see below) 2 pseudo-consumer of the delayed, then for each stream:
--       its length at the last look ('' for a close look), id of its newest entry then ('' none),
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

-- Where the groups stand: what XINFO tells, and that as one text, with the counts and with what is
-- due. Entries that change hands change nothing in it but the count `moved`.
local function standing(stream, counts, due)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  local text = table.concat(counts, ' ')
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
    text = text .. '|' .. told[NAME] .. ' ' .. told[PENDING] .. ' ' .. told[LAST] .. ' '
      .. (told[LAG] or '')
  end
  for _, aside in ipairs(due) do
    aside.number = redis.call('ZCOUNT', aside.key, '-inf', now)
    if aside.number > 0 then
      text = text .. '|' .. aside.group .. ' ' .. aside.number
    end
  end
  return text, groups
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

-- What is answered of a stream. What is newest was not surpassed, and nothing is gone: then every
-- entry is as it was.
local function look_at(stream, counts, due, was, newest, stood)
  left = left - GLANCE
  if was ~= '' then
    local length = redis.call('XLEN', stream)
    local same = tostring(length) == was and (
      length == 0 or #redis.call('XRANGE', stream, id_after(newest), '+', 'COUNT', 1) == 0
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
