-- Look at the broadcasts, and at how many of them are behind some cursors, in one step. Reads only.
-- Uses: common, trimming, looking
-- KEYS  1 broadcast 2 broadcast counts
-- ARGV  1 most entries to count one by one, then the cursors
-- Returns {length, id of the oldest entry, of the newest ('' none), counts as names and values,
-- for each cursor the number behind it (-1 when it is none)}.

local seen = extent(KEYS[1])
local flat, left = redis.call('HGETALL', KEYS[2]), tonumber(ARGV[1])
local function number_of(entry)
  return entry and tonumber(pairs_of(entry[2])['n'] or nil)
end
local first, last = number_of(seen.oldest), number_of(seen.newest)
-- Numbers run without a gap, unless somebody else wrote or deleted entries.
local gapless = first and last and last - first + 1 == seen.length

local passed = {}
for i = 2, #ARGV do
  local id, number = string.match(ARGV[i], '^(%d+%-%d+) (%d+)$')
  local many = -1
  if id then
    local guess = (last or 0) - tonumber(number)
    many, left = behind(KEYS[1], seen, id, gapless and number ~= '0' and guess or nil, guess, left)
  end
  passed[i - 1] = many
end
return {
  seen.length, seen.oldest and seen.oldest[1] or '', seen.newest and seen.newest[1] or '', flat,
  passed
}
