import type { Locale } from '../../domain/words.ts'
import type { ProblemName } from '../../http/problem.ts'

/** What stands around every page, and on those that say that something went wrong. */
export interface FrameWords {
  /** The language by its own name. */
  readonly language: string
  readonly skip: string
  readonly signOut: string
  signedInAs(name: string): string
  readonly desk: string
  readonly copy: string
  readonly copied: string
  readonly back: string
  readonly problem: (problem: ProblemName) => { readonly title: string; readonly text: string }
}

const english: FrameWords = {
  language: 'English',
  skip: 'Skip to the content',
  signOut: 'Sign out',
  signedInAs: (name) => `Signed in as ${name}`,
  desk: 'Security desk',
  copy: 'Copy',
  copied: 'Copied',
  back: 'Back to the start',
  problem(problem) {
    switch (problem) {
      case 'not-found':
        return { title: 'There is no such page', text: 'The address may be mistyped, or the page is gone.' }
      case 'forgery':
        return {
          title: 'That did not go through',
          text: 'The page was open too long or was sent from elsewhere. Nothing was changed. Go back to the start and try again.',
        }
      case 'too-many-requests':
        return { title: 'Too many requests', text: 'Wait a minute and try again.' }
      case 'busy':
      case 'unavailable':
        return { title: 'Not available right now', text: 'Try again in a moment.' }
      case 'unauthenticated':
        return { title: 'Please sign in', text: 'Your session has ended, or you have not signed in yet.' }
      case 'address-not-allowed':
      case 'missing-scope':
        return { title: 'Not permitted', text: 'You may not use this page, or not from where you are.' }
      case 'internal':
        return { title: 'Something went wrong', text: 'It has been written down. Try again in a moment.' }
      default:
        return {
          title: 'That did not work',
          text: 'The request could not be understood. Nothing was changed.',
        }
    }
  },
}

const simplifiedChinese: FrameWords = {
  language: '简体中文',
  skip: '跳到主要内容',
  signOut: '退出登录',
  signedInAs: (name) => `已登录：${name}`,
  desk: '安全台',
  copy: '复制',
  copied: '已复制',
  back: '返回首页',
  problem(problem) {
    switch (problem) {
      case 'not-found':
        return { title: '页面不存在', text: '地址可能有误，或该页面已被移除。' }
      case 'forgery':
        return {
          title: '请求未能完成',
          text: '页面打开时间过长，或请求来自其他网站。未作任何更改，请返回首页重试。',
        }
      case 'too-many-requests':
        return { title: '请求过多', text: '请稍等一分钟后重试。' }
      case 'busy':
      case 'unavailable':
        return { title: '服务暂时不可用', text: '请稍后重试。' }
      case 'unauthenticated':
        return { title: '请先登录', text: '您的会话已结束，或您尚未登录。' }
      case 'address-not-allowed':
      case 'missing-scope':
        return { title: '没有权限', text: '您无权使用此页面，或不能从当前位置访问。' }
      case 'internal':
        return { title: '出现错误', text: '错误已被记录，请稍后重试。' }
      default:
        return { title: '请求未能完成', text: '无法理解该请求，未作任何更改。' }
    }
  },
}

export const FRAME_WORDS: Readonly<Record<Locale, FrameWords>> = {
  en: english,
  'zh-CN': simplifiedChinese,
}
