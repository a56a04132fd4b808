// Conveniences only: every page works without this file.

const { lang } = document.documentElement
const own = navigator.languages.find((language) => language.slice(0, 2) === lang.slice(0, 2)) ?? lang
const options = { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' }
const shown = new Intl.DateTimeFormat(own, options)
const ownTimes = (within) => {
  for (const time of within.querySelectorAll('time[datetime]')) {
    const moment = shown.format(new Date(time.dateTime))
    if ('ago' in time.dataset) time.title = moment
    else time.textContent = moment
  }
}
ownTimes(document)
// Whatever puts something new into a page says so.
document.addEventListener('fresh', ({ target }) => ownTimes(target))

// Buttons that need the script come with the attribute `hidden`, so that nobody sees one that does nothing.
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
  const said = document.getElementById('said')
  await navigator.clipboard.writeText(source.dataset.value ?? source.textContent)
  const before = button.textContent
  button.textContent = said.dataset.copied
  said.textContent = said.dataset.copied
  setTimeout(() => {
    button.textContent = before
    said.textContent = ''
  }, 2000)
})

// A page that the browser kept from before a sign-out must not be seen again.
window.addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload()
})

// A form is sent once, however often its button is pressed.
document.addEventListener('submit', ({ target }) => {
  if (!(target instanceof HTMLFormElement) || 'repeatable' in target.dataset) return
  const buttons = target.querySelectorAll('button')
  const disable = (isOff) => {
    for (const button of buttons) button.disabled = isOff
  }
  setTimeout(disable, 0, true)
  setTimeout(disable, 10_000, false)
})
