// Chooses the rows of a list, and keeps them chosen while the list is brought up to date. Pages work without this file.

const form = document.getElementById('release-many')
const chosen = new Set()

const boxes = () => [...document.querySelectorAll('input[form="release-many"][name="id"]')]

function showCount() {
  const button = document.getElementById('release-chosen')
  button.dataset.plain ??= button.textContent
  button.textContent =
    chosen.size === 0 ? button.dataset.plain : button.dataset.count.replace('{}', String(chosen.size))
  const all = document.getElementById('choose-all')
  if (all === null) return
  all.hidden = false
  const checked = boxes().filter((box) => box.checked).length
  all.checked = checked > 0 && checked === boxes().length
  all.indeterminate = checked > 0 && !all.checked
}

function remember(box) {
  if (box.checked) chosen.add(box.value)
  else chosen.delete(box.value)
}

/** Of the rows that are there. */
function restore() {
  const present = new Set(boxes().map((box) => box.value))
  for (const id of chosen) if (!present.has(id)) chosen.delete(id)
  for (const box of boxes()) box.checked = chosen.has(box.value)
  showCount()
}

if (form !== null) {
  for (const box of boxes()) remember(box)
  showCount()
  document.addEventListener('change', ({ target }) => {
    if (target.id === 'choose-all')
      for (const box of boxes()) {
        box.checked = target.checked
        remember(box)
      }
    else if (target.name === 'id') remember(target)
    else return
    showCount()
  })
  document.addEventListener('fresh', restore)
}

// A file is read into the form, so that what is sent is what is seen.
const listFile = document.getElementById('list-file')
if (listFile !== null) {
  listFile.hidden = false
  listFile.addEventListener('change', async ({ target }) => {
    const [file] = target.files
    if (file !== undefined) document.getElementById('list').value = await file.text()
  })
}
