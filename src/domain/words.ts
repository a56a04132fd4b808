import type { AccountState } from './account-state.ts'
import type { RefusalReason } from './refusal.ts'

export type Locale = 'en' | 'zh-CN'

/**
 * Every sentence that a user can read at a VPN prompt. ocserv puts them into XML unescaped and takes a message
 * that begins with `Password:` for a prompt, so none holds `&`, `<` or `>` or begins so; a test holds this.
 */
export interface Words {
  readonly enterCode: string
  /** Differs with the count: ocserv takes the same prompt again for a retry of the same stage. */
  wrongCode(triesLeft: number): string
  usedCode(triesLeft: number): string
  /** @param page where the authenticator is enrolled; @param code what the page asks for; @param again the user answered before doing so. */
  enrol(page: string, code: string, again: boolean): string
  refused(reason: RefusalReason, retryAfterMinutes: number | undefined): string
  readonly barred: Readonly<Record<AccountState, string>>
}

const english: Words = {
  enterCode: 'Enter the code from your authenticator app.',
  wrongCode: (left) =>
    `Wrong code, ${left === 1 ? '1 try' : `${left} tries`} left. Enter the code from your app.`,
  usedCode: (left) =>
    `This code was used before, ${left === 1 ? '1 try' : `${left} tries`} left. Wait for the next code and enter it.`,
  enrol: (page, code, again) =>
    `${again ? 'Your authenticator is not set up yet.' : 'You need an authenticator app.'} Open ${page} and enter the code ${code} there. When you are done, enter the code from the app here.`,
  refused(reason, minutes) {
    switch (reason) {
      case 'locked':
        return minutes === undefined
          ? 'This login is locked. Ask your administrator.'
          : `Too many failed logins. Try again in ${minutes === 1 ? '1 minute' : `${minutes} minutes`}.`
      case 'rate_limited':
        return 'Too many attempts. Wait a minute and try again.'
      case 'no_second_factor':
        return 'No authenticator is enrolled for you. Ask your administrator.'
      case 'no_policy':
        return 'You are not permitted to use this VPN. Ask your administrator.'
      case 'no_address':
        return 'The VPN has no free address. Try again later, or ask your administrator.'
      case 'challenge_expired':
      case 'challenge_mismatch':
        return 'The login took too long. Start again.'
      case 'unavailable':
        return 'The login service is not available. Try again in a moment.'
      case 'code_used':
        return 'This code was used before. Wait for the next code and log in again.'
      case 'bad_credentials':
      case 'barred':
      case 'wrong_code':
      case 'malformed_request':
        return 'Login failed.'
    }
  },
  barred: {
    disabled: 'Your account is disabled. Ask your administrator.',
    expired: 'Your account has expired. Ask your administrator.',
    password_expired: 'Your password has expired. Change it, then log in again.',
    password_to_change:
      'Your password must be changed before you can log in here. Change it, then log in again.',
    outside_hours: 'Your account may not log in at this time.',
    other_computer: 'Your account may not log in from here.',
  },
}

const simplifiedChinese: Words = {
  enterCode: '请输入身份验证器应用中的验证码。',
  wrongCode: (left) => `验证码错误，还可再试 ${left} 次。请输入应用中的验证码。`,
  usedCode: (left) => `该验证码已使用过，还可再试 ${left} 次。请等待下一个验证码后输入。`,
  enrol: (page, code, again) =>
    `${again ? '身份验证器尚未绑定。' : '您需要绑定身份验证器。'}请在浏览器中打开 ${page} ，输入代码 ${code} 。完成后，请在此处输入应用中的验证码。`,
  refused(reason, minutes) {
    switch (reason) {
      case 'locked':
        return minutes === undefined
          ? '此登录已被锁定，请联系管理员。'
          : `登录失败次数过多，请在 ${minutes} 分钟后重试。`
      case 'rate_limited':
        return '尝试次数过多，请稍等一分钟后重试。'
      case 'no_second_factor':
        return '您尚未绑定身份验证器，请联系管理员。'
      case 'no_policy':
        return '您无权使用此 VPN，请联系管理员。'
      case 'no_address':
        return 'VPN 暂无空闲地址，请稍后重试，或联系管理员。'
      case 'challenge_expired':
      case 'challenge_mismatch':
        return '登录超时，请重新登录。'
      case 'unavailable':
        return '登录服务暂时不可用，请稍后重试。'
      case 'code_used':
        return '该验证码已使用过，请等待下一个验证码后重新登录。'
      case 'bad_credentials':
      case 'barred':
      case 'wrong_code':
      case 'malformed_request':
        return '登录失败。'
    }
  },
  barred: {
    disabled: '您的账户已被停用，请联系管理员。',
    expired: '您的账户已过期，请联系管理员。',
    password_expired: '您的密码已过期，请修改密码后重新登录。',
    password_to_change: '您必须先修改密码才能在此登录。请修改密码后重新登录。',
    outside_hours: '您的账户在当前时段不允许登录。',
    other_computer: '您的账户不允许从此处登录。',
  },
}

export const WORDS: Readonly<Record<Locale, Words>> = { en: english, 'zh-CN': simplifiedChinese }
