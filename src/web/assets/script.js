// Conveniences only: every page works without this file.

const { lang } = document.documentElement
const own = navigator.languages.find((language) => language.slice(0, 2) === lang.slice(0, 2)) ?? lang
const options = { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' }
const shown = new Intl.DateTimeFormat(own, options)
const timeOfDay = { hour: '2-digit', minute: '2-digit' }
const styles = {
  clock: new Intl.DateTimeFormat(own, timeOfDay),
  second: new Intl.DateTimeFormat(own, { month: 'short', day: 'numeric', ...timeOfDay, second: '2-digit' }),
}
const ownTimes = (within) => {
  for (const time of within.querySelectorAll('time[datetime]')) {
    const moment = shown.format(new Date(time.dateTime))
    const style = styles[time.dataset.style]
    if ('ago' in time.dataset || style !== undefined) time.title = moment
    if (style !== undefined) time.textContent = style.format(new Date(time.dateTime))
    else if (!('ago' in time.dataset)) time.textContent = moment
  }
}
ownTimes(document)
// Scripts that change a part of the page dispatch this event.
document.addEventListener('fresh', ({ target }) => ownTimes(target))

// The link of an invitation has its code behind the mark, which no server sees; it does not stay in the address.
const field = document.querySelector('[data-from-link]')
const [, code] = /^#([\w-]{8,64})$/.exec(location.hash) ?? []
if (field !== null && code !== undefined) {
  field.value ||= code
  history.replaceState(null, '', location.pathname + location.search)
}

// Buttons that need the script are hidden until it runs.
const useful = navigator.clipboard === undefined ? '[data-print]' : '[data-print], [data-copy]'
for (const button of document.querySelectorAll(useful)) button.hidden = false

document.addEventListener('click', async ({ target }) => {
  const button = target instanceof Element ? target.closest('[data-copy], [data-print]') : null
  if (button === null) return
  if ('print' in button.dataset) {
    window.print()
    return
  }
  const source = document.getElementById(button.dataset.copy)
  const announcement = document.getElementById('announcement')
  await navigator.clipboard.writeText(source.dataset.value ?? source.textContent)
  const before = button.textContent
  button.textContent = announcement.dataset.copied
  announcement.textContent = announcement.dataset.copied
  setTimeout(() => {
    button.textContent = before
    announcement.textContent = ''
  }, 2000)
})

// A page that the browser kept from before a sign-out must not be shown again.
window.addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload()
})

// A form is sent once, even if its button is clicked twice.
document.addEventListener('submit', ({ target }) => {
  if (!(target instanceof HTMLFormElement) || 'repeatable' in target.dataset) return
  const buttons = target.querySelectorAll('button')
  const disable = (isOff) => {
    for (const button of buttons) button.disabled = isOff
  }
  setTimeout(disable, 0, true)
  setTimeout(disable, 10_000, false)
})
