-- Look at the broadcasts, and at how many of them each instance has not passed, in one step. Reads
-- only.
-- Uses: common, trimming, looking
-- KEYS  1 broadcast 2 broadcast counts 3 cursors
-- ARGV  1 most entries to count one by one
-- Returns {length, id of the oldest entry, of the newest ('' none), counts as names and values,
-- instances and the number that each has not passed}.

local seen = extent(KEYS[1])
local flat, left = redis.call('HGETALL', KEYS[2]), tonumber(ARGV[1])
local function number_of(entry)
  return entry and tonumber(pairs_of(entry[2])['n'] or nil)
end
local first, last = number_of(seen.oldest), number_of(seen.newest)
-- Numbers run without a gap, unless somebody else wrote or deleted entries.
local gapless = first and last and last - first + 1 == seen.length

-- Many instances stand at the same place: how far each place is behind; false for what is none.
local passed, behind_by, cursors = {}, {}, redis.call('HGETALL', KEYS[3])
local function measure(cursor)
  local id, number = string.match(cursor, '^(%d+%-%d+) (%d+)$')
  if not id then
    return false
  end
  local many, guess = nil, (last or 0) - tonumber(number)
  many, left = behind(KEYS[1], seen, id, gapless and number ~= '0' and guess or nil, guess, left)
  return many
end
for i = 1, #cursors, 2 do
  local cursor = cursors[i + 1]
  local many = behind_by[cursor]
  if many == nil then
    many = measure(cursor)
    behind_by[cursor] = many
  end
  if many then
    passed[#passed + 1] = cursors[i]
    passed[#passed + 1] = many
  end
end
return {
  seen.length, seen.oldest and seen.oldest[1] or '', seen.newest and seen.newest[1] or '', flat,
  passed
}
