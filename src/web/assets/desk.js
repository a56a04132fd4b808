// Keeps the list of lockouts up to date, and times in the browser's own zone. Every page works without this file.

const locale = document.documentElement.lang

// Relative times, kept up to date.
const steps = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]
const relative = new Intl.RelativeTimeFormat(locale, { style: 'short' })
// As in times.ts: Chinese has a space between a number and the characters beside it.
const spaced = (text) => text.replace(/(\d)(?=\p{Script=Han})/gu, '$1 ')
const updateAgo = () => {
  for (const time of document.querySelectorAll('time[data-ago]')) {
    const seconds = Math.trunc((new Date(time.dateTime) - Date.now()) / 1000)
    const [unit, length] = steps.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1]
    time.textContent = spaced(relative.format(Math.round(seconds / length), unit))
  }
}
setInterval(updateAgo, 5000)

const hour = new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, {
  hour: '2-digit',
  minute: '2-digit',
})
for (const place of document.querySelectorAll('[data-hour]'))
  place.textContent = hour.format(new Date(place.dataset.hour))

const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
for (const input of document.querySelectorAll('[data-zone]')) input.value = timeZone
for (const words of document.querySelectorAll('[data-zone-words]'))
  words.textContent = words.dataset.zoneWords.replace('{}', timeZone)

// A link to a folded part unfolds it.
const unfold = () => {
  const target = location.hash === '' ? null : document.getElementById(location.hash.slice(1))
  if (target instanceof HTMLDetailsElement) target.open = true
  target?.querySelector('input:not([type="hidden"])')?.focus()
}
window.addEventListener('hashchange', unfold)
// After the browser has scrolled to the target, which takes the focus away.
window.addEventListener('load', () => setTimeout(unfold))

const list = document.getElementById('live')
const FEW_MS = 1000
let waiting
let latest = Date.now()

// Fetches the list again; changes that come close together cause one request.
function refreshSoon() {
  if (waiting !== undefined) return
  waiting = setTimeout(refresh, Math.max(100, latest + FEW_MS - Date.now()))
}

async function refresh() {
  waiting = undefined
  latest = Date.now()
  let answer
  try {
    answer = await fetch(list.dataset.part, { headers: { 'X-Unattended': '1' } })
  } catch {
    return
  }
  // The session has ended: the page must not stay on the screen.
  if (answer.redirected || answer.status === 403) location.reload()
  if (!answer.ok || answer.redirected) return
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null
  const before = document.getElementById('how-many').textContent
  list.innerHTML = await answer.text()
  list.dispatchEvent(new CustomEvent('fresh', { bubbles: true }))
  if (focused !== null) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus()
  const now = document.getElementById('how-many').textContent
  if (now !== before) document.getElementById('announcement').textContent = now
  updateAgo()
}

function follow() {
  const state = document.getElementById('live-state')
  const source = new EventSource(list.dataset.events)
  const show = (isLive) => {
    state.hidden = false
    state.textContent = isLive ? state.dataset.live : state.dataset.lost
    state.classList.toggle('good', isLive)
    state.classList.toggle('warn', !isLive)
  }
  source.addEventListener('open', () => {
    show(true)
    refreshSoon()
  })
  source.addEventListener('error', () => {
    show(false)
    // Closed for good, as after a sign-out: fetching the list shows why, and the stream is opened again.
    if (source.readyState !== EventSource.CLOSED) return
    refreshSoon()
    setTimeout(follow, 5000)
  })
  for (const kind of ['lockout.made', 'lockout.released']) source.addEventListener(kind, refreshSoon)
  window.addEventListener('pagehide', () => source.close(), { once: true })
}

if (list !== null) {
  follow()
  // No event says that a lockout has expired.
  setInterval(() => {
    const ends = [...list.querySelectorAll('time[data-ago]')].map((time) => new Date(time.dateTime).getTime())
    if (ends.some((end) => end > latest && end <= Date.now())) refreshSoon()
  }, 1000)
}
