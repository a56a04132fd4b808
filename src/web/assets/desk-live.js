// Keeps the part of a page that is called #live up to date, and moves nothing that somebody points at.

const list = document.getElementById('live')
const state = document.getElementById('live-state')
/** Requests that follow each other are at least this far apart, in milliseconds. */
const APART_MS = 1000
/** After a touch a row stays where it is for this long. */
const TOUCHED_MS = 5000
/** What has changed is said no more often than this, with all that came meanwhile. */
const SAID_APART_MS = 20_000

let latest = Date.now()
let heard = latest
let soon
let isPaused = false
let isLost = false
let touched = 0
/** An answer that would move rows under a hand. */
let waiting
/** What the live region says next, when it said something last, and how many rows came since then. */
let toSay = ''
let said = 0
let added = 0

const clock = new Intl.DateTimeFormat(document.documentElement.lang === 'en' ? 'en-GB' : undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

const keysOf = (within) => [...within.querySelectorAll('[data-id]')].map(({ dataset }) => dataset.id)

/** Whether somebody points at the part, works in it, or reads below its beginning. */
function isAtHand() {
  const isWorkedIn = list.contains(document.activeElement) || list.querySelector('input:checked') !== null
  const isReadBelow = list.getBoundingClientRect().top < -40
  return list.matches(':hover') || isWorkedIn || isReadBelow || Date.now() - touched < TOUCHED_MS
}

function showState() {
  const [badge, pause] = [state.querySelector('.badge'), state.querySelector('.pause')]
  const fresh = state.querySelector('.fresh')
  const word = isPaused ? 'paused' : isLost ? 'lost' : 'live'
  state.hidden = false
  badge.classList.toggle('good', word === 'live')
  badge.classList.toggle('warn', word === 'lost')
  badge.querySelector('span').textContent = state.dataset[word]
  const time = badge.querySelector('time')
  time.dateTime = new Date(heard).toISOString()
  time.textContent = clock.format(heard)
  pause.textContent = isPaused ? state.dataset.resume : state.dataset.pause
  const text = waiting === undefined ? '' : state.dataset.fresh.replace('{}', waiting.fresh)
  if (fresh.textContent === text) return
  fresh.textContent = text
  fresh.hidden = text === ''
  if (text !== '') say(text)
}

/** The live region is read aloud, so it does not speak without a pause. */
function say(text) {
  const isWaiting = toSay !== ''
  toSay = text
  if (!isWaiting) setTimeout(sayNow, Math.max(0, said + SAID_APART_MS - Date.now()))
}

function sayNow() {
  document.getElementById('announcement').textContent = toSay
  said = Date.now()
  toSay = ''
  added = 0
}

/** @param fresh rows that were not there before. */
function apply(answer, fresh) {
  waiting = undefined
  const focused = list.contains(document.activeElement) ? document.activeElement : null
  const unfolded = [...list.querySelectorAll('details[open][id]')].map(({ id }) => id)
  const typed = [...list.querySelectorAll('input[id][maxlength]')].map(({ id, value }) => ({ id, value }))
  const before = document.getElementById('how-many')?.textContent
  for (const part of answer.querySelectorAll('[data-beside]')) {
    document.getElementById(part.dataset.beside)?.replaceChildren(...part.childNodes)
    part.remove()
  }
  list.replaceChildren(answer)
  for (const id of unfolded) document.getElementById(id)?.setAttribute('open', '')
  for (const { id, value } of typed) {
    const field = document.getElementById(id)
    if (field !== null) field.value = value
  }
  list.dispatchEvent(new CustomEvent('fresh', { bubbles: true }))
  focusAgain(focused)
  const now = document.getElementById('how-many')?.textContent
  if (now !== before) say(now)
  if (now !== undefined || fresh === 0) return
  added += fresh
  say(state.dataset.added.replace('{}', added))
}

/** @param before what had the focus and has been replaced. */
function focusAgain(before) {
  if (before === null) return
  const href = before.getAttribute('href')
  const same = before.id === '' ? null : document.getElementById(before.id)
  const now = same ?? (href === null ? null : list.querySelector(`a[href="${CSS.escape(href)}"]`))
  now?.focus()
  if (now instanceof HTMLInputElement && now.type === 'text')
    now.setSelectionRange(before.selectionStart, before.selectionEnd)
}

/** Changes that come close together cause one request. */
function refreshSoon() {
  soon ??= setTimeout(refresh, Math.max(100, latest + APART_MS - Date.now()))
}

async function refresh() {
  clearTimeout(soon)
  soon = undefined
  if (isPaused || document.hidden) return
  latest = Date.now()
  let answer
  try {
    answer = await fetch(list.dataset.part, { headers: { 'X-Unattended': '1' } })
  } catch {
    isLost = true
    showState()
    return
  }
  // The session has ended: the page must not stay on the screen.
  if (answer.redirected || answer.status === 403) location.reload()
  isLost = !answer.ok
  if (!answer.ok || answer.redirected) {
    showState()
    return
  }
  const template = document.createElement('template')
  template.innerHTML = await answer.text()
  if (isPaused) return
  heard = Date.now()
  countLockedOut(answer.headers.get('X-Locked-Out'))
  const before = keysOf(list)
  const now = keysOf(template.content)
  const isMoved = before.length !== now.length || before.some((key, index) => key !== now[index])
  const fresh = now.filter((key) => !before.includes(key)).length
  if (isMoved && before.length > 0 && isAtHand()) waiting = { answer: template.content, fresh }
  else apply(template.content, before.length === 0 ? 0 : fresh)
  if (waiting?.fresh === 0) waiting = undefined
  showState()
}

function countLockedOut(text) {
  const count = document.getElementById('nav-count')
  if (count === null || text === null) return
  count.textContent = text
  count.hidden = text === '0'
}

/** Learns of changes as they happen. */
function follow() {
  const source = new EventSource(list.dataset.events)
  source.addEventListener('open', refreshSoon)
  source.addEventListener('error', () => {
    isLost = true
    showState()
    // Closed for good, as after a sign-out: fetching the part shows why, and the stream is opened again.
    if (source.readyState !== EventSource.CLOSED) return
    refreshSoon()
    setTimeout(follow, 5000)
  })
  for (const kind of ['lockout.made', 'lockout.released']) source.addEventListener(kind, refreshSoon)
  window.addEventListener('pagehide', () => source.close(), { once: true })
}

if (list !== null && state !== null) {
  showState()
  state.querySelector('.pause').addEventListener('click', () => {
    isPaused = !isPaused
    showState()
    if (!isPaused) refreshSoon()
  })
  state.querySelector('.fresh').addEventListener('click', () => {
    if (waiting !== undefined) apply(waiting.answer, 0)
    showState()
    window.scrollTo({ top: 0 })
  })
  list.addEventListener('pointerdown', () => {
    touched = Date.now()
  })
  document.addEventListener('visibilitychange', refreshSoon)
  if (list.dataset.events !== undefined) follow()
  const everyMs = Number(list.dataset.every ?? 0) * 1000
  if (everyMs > 0) setInterval(() => Date.now() - latest >= everyMs && refreshSoon(), 1000)
  // No event says that a lockout has expired.
  setInterval(() => {
    const ends = [...list.querySelectorAll('time[data-ago]')].map((time) => new Date(time.dateTime).getTime())
    if (ends.some((end) => end > latest && end <= Date.now())) refreshSoon()
  }, 1000)
}
