// Shows a VPN login that waits for approval as soon as there is one, and asks the passkey for the number that is chosen.

const part = document.getElementById('approve')
let isAsking = false
let timer

function fail() {
  const failed = document.getElementById('approve-failed')
  if (failed === null) return
  failed.textContent = part.dataset.failed
  failed.hidden = false
}

async function refresh() {
  if (isAsking) return
  const answer = await fetch(part.dataset.part, { headers: { 'X-Unattended': '1' } })
  if (answer.status === 403) return location.reload()
  if (!answer.ok) return
  const template = document.createElement('template')
  template.innerHTML = await answer.text()
  if (isAsking) return
  const before = part.querySelector('[data-shown]')?.dataset.shown
  const now = template.content.querySelector('[data-shown]')?.dataset.shown
  if (before === now) return
  part.replaceChildren(template.content)
  document.getElementById('said')?.remove()
  part.dispatchEvent(new Event('fresh', { bubbles: true }))
  if (now !== '') document.getElementById('announcement').textContent = part.querySelector('h2').textContent
  watchEnd()
}

/** No event says that a request has expired. */
function watchEnd() {
  clearTimeout(timer)
  const left = part.querySelector('[data-left]')?.dataset.left
  if (left !== undefined) timer = setTimeout(refresh, Number(left) + 500)
}

function follow() {
  const source = new EventSource(part.dataset.events)
  source.addEventListener('change', refresh)
  source.addEventListener('error', () => {
    // Closed for good, as after a sign-out: fetching the part shows why, and the stream is opened again.
    if (source.readyState !== EventSource.CLOSED) return
    refresh().catch(() => {})
    setTimeout(follow, 5000)
  })
  window.addEventListener('pagehide', () => source.close(), { once: true })
}

async function approve(form, number) {
  const { csrf, id, answer } = form.elements
  const body = new URLSearchParams({ csrf: csrf.value, id: id.value, number })
  const asked = await fetch(`${form.action}/options`, { method: 'POST', body })
  if (!asked.ok) return location.reload()
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await asked.json())
  answer.value = JSON.stringify(await navigator.credentials.get({ publicKey }))
  const chosen = document.createElement('input')
  Object.assign(chosen, { type: 'hidden', name: 'number', value: number })
  form.append(chosen)
  form.submit()
}

part.addEventListener('submit', async (event) => {
  const form = event.target.closest('[data-approve]')
  if (form === null) return
  event.preventDefault()
  if (isAsking) return
  isAsking = true
  try {
    await approve(form, event.submitter.value)
  } catch {
    // The user has cancelled, or has no passkey here: the request goes on waiting.
    isAsking = false
    fail()
  }
})

watchEnd()
follow()
