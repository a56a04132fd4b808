// Buttons that ask for a passkey. They stay hidden without this file, and in browsers that have no passkeys.

const { credentials } = navigator
const canParse = typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === 'function'
const canUse = credentials !== undefined && canParse

const ask = {
  create: (options) =>
    credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  get: (options) => credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
}

/** What the broker wants to be signed. */
async function optionsFor(button) {
  const answer = await fetch(button.dataset.options, {
    method: 'POST',
    headers: { 'X-CSRF-Token': button.form.elements.csrf.value },
    body: new URLSearchParams({ for: button.dataset.passkey }),
  })
  if (!answer.ok) throw new Error(`the broker answered ${answer.status}`)
  return answer.json()
}

for (const element of document.querySelectorAll('[data-passkey], [data-passkeys]')) element.hidden = !canUse
for (const element of document.querySelectorAll('[data-no-passkeys]')) element.hidden = canUse

document.addEventListener('click', async ({ target }) => {
  const button = target instanceof Element ? target.closest('[data-passkey]') : null
  if (button === null) return
  const { form } = button
  const problem = form.querySelector('[data-passkey-problem]')
  problem.hidden = true
  button.disabled = true
  try {
    const how = button.dataset.passkey === 'enrol' ? 'create' : 'get'
    const credential = await ask[how](await optionsFor(button))
    form.elements.passkey.value = JSON.stringify(credential.toJSON())
    // Without the checks of the other fields: the passkey takes their place.
    form.submit()
  } catch (error) {
    // The user may have said no, or has no passkey here: browsers do not tell which.
    console.info(`passkey: ${error.name}`)
    problem.hidden = false
    button.disabled = false
  }
})
