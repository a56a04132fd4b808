/** Expressions that a page evaluates to what is wrong with its layout, as texts for people. */

/** What reaches beyond the card that it stands in. */
export const OUTSIDE_OF_CARDS = `
  [...document.querySelectorAll('.card *')]
    .filter((element) => element.checkVisibility() && element.getClientRects().length > 0)
    // The head of a table of blocks is for screen readers alone.
    .filter((element) => element.closest('table.blocks thead') === null)
    .filter((element) => {
      const card = element.closest('.card').getBoundingClientRect()
      const { left, right } = element.getBoundingClientRect()
      return right > card.right + 1 || left < card.left - 1
    })
    .map((element) => element.outerHTML.slice(0, 200))
`

/** What covers something else. */
export const ON_TOP_OF_OTHERS = `
  (() => {
    const hasText = ({ childNodes }) =>
      [...childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent.trim() !== '')
    const shown = [...document.querySelectorAll('main *')]
      .filter((element) => hasText(element) || element.matches('input, svg, button, table'))
      .filter((element) => element.closest('thead, .unseen') === null && element.checkVisibility())
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .sort((one, other) => one.box.top - other.box.top)
    return shown.flatMap((one, index) => {
      const covered = []
      for (const other of shown.slice(index + 1)) {
        if (other.box.top > one.box.bottom - 2) break
        const isApart = Math.min(other.box.right, one.box.right) - Math.max(other.box.left, one.box.left) <= 2
        const isFlat = Math.min(other.box.bottom, one.box.bottom) - other.box.top <= 2
        if (isApart || isFlat || one.element.contains(other.element) || other.element.contains(one.element)) continue
        covered.push(one.element.outerHTML.slice(0, 100) + ' and ' + other.element.outerHTML.slice(0, 100))
      }
      return covered
    })
  })()
`

/**
 * Words, names and addresses of which a part stands on the next line, though the whole would fit on one, and badges and
 * buttons of the bar of more than one line. Chinese text may break anywhere.
 */
export const BROKEN_WORDS = `
  (() => {
    const room = (element) => (element.closest('.card, main') ?? document.body).clientWidth * 0.8
    const found = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
      const element = text.parentElement
      if (element.closest('script, style, textarea, select, .unseen, thead') !== null || !element.checkVisibility()) continue
      for (const { index, 0: word } of text.data.matchAll(/[\\p{Script=Latin}\\p{Number}.:_@/]{2,}/gu)) {
        const range = document.createRange()
        range.setStart(text, index)
        range.setEnd(text, index + word.length)
        const lines = [...range.getClientRects()].filter(({ width }) => width > 0)
        const whole = lines.reduce((sum, { width }) => sum + width, 0)
        if (lines.length > 1 && lines.at(-1).top > lines[0].top + 4 && whole <= room(element))
          found.push(word + ' in ' + element.outerHTML.slice(0, 120))
      }
    }
    for (const badge of document.querySelectorAll('.badge, .bar button')) {
      const content = document.createRange()
      content.selectNodeContents(badge)
      const lines = [...content.getClientRects()].filter(({ width }) => width > 0)
      if (lines.some(({ top }) => top > lines[0].bottom - 2)) found.push('lines ' + badge.outerHTML.slice(0, 120))
    }
    return found
  })()
`

const TARGET_PIXELS = 44

/** Controls that are lower than a finger is wide. A link within a text is as high as its line (WCAG 2.5.8). */
export const SMALL_TARGETS = `
  [...document.querySelectorAll('button, select, summary, textarea, input:not([type=hidden]), nav a, a.button')]
    .filter((element) => element.checkVisibility() && element.getClientRects().length > 0)
    .filter((element) => element.closest('.unseen, .skip') === null)
    .filter((element) => {
      const label = element.matches('[type=checkbox], [type=radio]') ? element.closest('label, td') : null
      return (label ?? element).getBoundingClientRect().height < ${TARGET_PIXELS} - 0.5
    })
    .map((element) => Math.round(element.getBoundingClientRect().height) + ' ' + element.outerHTML.slice(0, 140))
`
