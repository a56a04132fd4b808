/**
 * Redis' side of the tally. A window is a sorted set: its members are attempts, their scores the moments at which they
 * lapse. Time is Redis' own, so brokers' clocks need not agree. A score further ahead than a window is long comes from
 * before a step of that clock and does not count.
 */

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function count(key, life)
  return redis.call('ZCOUNT', key, '(' .. now, now + life)
end
local function mark(key, id, life)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, now + life, id)
  redis.call('PEXPIRE', key, life)
end
`

/**
 * KEYS: for each rate its attempts and its note; for each budget its guesses in flight, its failures and its note; then
 * the runs that have ended.
 * ARGV: identifier, how many rates, life of a guess in flight, life of a failure; points and window of each rate;
 * points of each budget.
 * Only where a budget seems full is it looked for guesses in flight whose run has ended, which are dropped.
 * Answers with nothing where all was counted; otherwise with the position of the limit that was reached, milliseconds
 * until a point comes free, and whether it is the first to be told so.
 */
export const TAKE = `${NOW}
local id, rates, held, within = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function wait(key)
  local soonest = redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return soonest[2] and soonest[2] - now
end
local function reached(position, wait, note, life)
  local first = redis.call('SET', note, '', 'PX', life, 'NX')
  return { position, wait, first and 1 or 0 }
end
local function remaining(key)
  return redis.call('ZRANGEBYSCORE', key, '(' .. now, '+inf')
end
local function dropEnded(flight)
  local hasEnded = {}
  for _, run in ipairs(remaining(KEYS[#KEYS])) do
    hasEnded[run] = true
  end
  if next(hasEnded) == nil then
    return
  end
  for _, guess in ipairs(remaining(flight)) do
    if hasEnded[string.match(guess, '^[^.]*')] then
      redis.call('ZREM', flight, guess)
    end
  end
end

local key, arg = 1, 5
for position = 1, rates do
  local window = tonumber(ARGV[arg + 1])
  if count(KEYS[key], window) >= tonumber(ARGV[arg]) then
    return reached(position, wait(KEYS[key]), KEYS[key + 1], window)
  end
  key, arg = key + 2, arg + 2
end
for position = rates + 1, rates + #ARGV - arg + 1 do
  local flight, failed, points = KEYS[key], KEYS[key + 1], tonumber(ARGV[arg])
  if count(flight, held) + count(failed, within) >= points then
    dropEnded(flight)
  end
  if count(flight, held) + count(failed, within) >= points then
    local soon = wait(flight) or within
    return reached(position, math.min(soon, wait(failed) or soon), KEYS[key + 2], within)
  end
  key, arg = key + 3, arg + 1
end

for rate = 1, rates do
  mark(KEYS[rate * 2 - 1], id, tonumber(ARGV[4 + rate * 2]))
end
for flight = rates * 2 + 1, #KEYS - 1, 3 do
  mark(KEYS[flight], id, held)
end
return false
`

/**
 * KEYS: windows that the attempt leaves, then for each budget whose failures are forgotten these and its note.
 * ARGV: identifier, how many windows it leaves, life of a failure, milliseconds since the failures were to be forgotten.
 */
export const GIVE_BACK = `${NOW}
local windows, within, ago = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for key = 1, windows do
  redis.call('ZREM', KEYS[key], ARGV[1])
end
for failed = windows + 1, #KEYS, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[failed], '-inf', now - ago + within)
  redis.call('DEL', KEYS[failed + 1])
end
`

/** KEYS: the runs that have ended. ARGV: life of a guess in flight, then names of runs. */
export const END = `${NOW}
for run = 2, #ARGV do
  mark(KEYS[1], ARGV[run], tonumber(ARGV[1]))
end
`

/** KEYS: for each budget its guesses in flight and its failures. ARGV: identifier, life of a failure. Failures of each. */
export const FAIL = `${NOW}
local id, within = ARGV[1], tonumber(ARGV[2])
local failures = {}
for key = 1, #KEYS, 2 do
  redis.call('ZREM', KEYS[key], id)
  mark(KEYS[key + 1], id, within)
  failures[#failures + 1] = count(KEYS[key + 1], within)
end
return failures
`
