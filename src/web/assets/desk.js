// Times in the browser's own zone and up to date, and links into folded parts. Every page works without this file.

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
const ownHours = (within) => {
  for (const place of within.querySelectorAll('[data-hour]'))
    place.textContent = hour.format(new Date(place.dataset.hour))
}
ownHours(document)
document.addEventListener('fresh', ({ target }) => {
  ownHours(target)
  updateAgo()
})

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
