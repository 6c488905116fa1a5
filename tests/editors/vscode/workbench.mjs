/** The workbench as a person uses it: keys, clicks, and what is on the screen. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const TIERS = /small_local|medium_api|large_api/;
export const STATUS_ITEM = '#devrouter\\.devrouter\\.tier';
export const CHAT_INPUT = '.interactive-input-editor .monaco-editor';
const QUICK_INPUT = '.quick-input-widget:not([style*="display: none"])';

export class Workbench {
  constructor(page, { folder, shots }) {
    this.page = page;
    this.folder = folder;
    this.shots = shots;
  }

  /** Open a file of the folder by its name. */
  async open(name) {
    await this.quickInput('Control+P', name);
    await this.pick(name);
    await this.page.locator('.tab.active', { hasText: name }).waitFor();
    await this.page.locator('.editor-instance .view-line').first().waitFor();
  }

  /** Run a command by its title in the palette, which is opened again until it knows the command. */
  async command(title) {
    for (let attempt = 1; ; attempt++) {
      await this.quickInput('F1', `>${title}`);
      try {
        return await this.pick(title, { timeout: 5000 });
      } catch (error) {
        if (attempt === 8) throw error;
        await this.page.keyboard.press('Escape');
      }
    }
  }

  /** Click what has this very name; the first in the list may be another. */
  async pick(name, options = {}) {
    const label = this.page.locator('.quick-input-list .label-name').getByText(name, { exact: true });
    await label.first().click(options);
  }

  async quickInput(key, text) {
    await this.page.keyboard.press(key);
    const input = this.page.locator(`${QUICK_INPUT} input[type="text"]`).first();
    await input.waitFor();
    await input.fill(text);
  }

  /** Put the cursor at the start of the editor, with the keyboard in it. */
  async focusEditor() {
    await this.page.locator('.editor-instance .view-line').first().click();
    await this.page.keyboard.press('Control+Home');
  }

  /** The status bar item, once its text matches. */
  async status(pattern) {
    const item = this.page.locator(`${STATUS_ITEM}`, { hasText: pattern });
    await item.waitFor();
    return (await item.innerText()).trim();
  }

  /** The text of the file, once it is saved. */
  async saved(name) {
    await this.page.keyboard.press('Control+S');
    await this.page.locator('.tab.active:not(.dirty)').waitFor();
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** The findings in the Problems view. */
  async problems() {
    if (!(await this.page.locator('.markers-panel').isVisible())) await this.page.keyboard.press('Control+Shift+M');
    const rows = this.page.locator('.markers-panel .monaco-list-row', { hasText: 'Missing:' });
    await rows.first().waitFor();
    return (await rows.allInnerTexts()).map((row) => row.replace(/\s+/g, ' ').trim());
  }

  notification(pattern) {
    return this.page.locator('.notifications-toasts .notification-list-item', { hasText: pattern });
  }

  /** Press a button of a notification. */
  async answer(pattern, button) {
    const toast = this.notification(pattern).first();
    await toast.waitFor();
    await toast.locator('.monaco-button', { hasText: button }).first().click();
  }

  /** Put the keyboard into the chat's input box; its key does nothing until the chat is ready. */
  async focusChat() {
    for (let attempt = 1; ; attempt++) {
      await this.page.keyboard.press('Control+Alt+I');
      try {
        return await this.page.locator(`${CHAT_INPUT}.focused`).waitFor({ timeout: 5000 });
      } catch (error) {
        if (attempt === 8) throw error;
      }
    }
  }

  async typeInChat(text) {
    await this.focusChat();
    await this.page.keyboard.type(text, { delay: 5 });
  }

  async newChat() {
    await this.page.locator('.part.auxiliarybar .title-actions .codicon-plus').first().click();
    await this.page.locator('.interactive-response').first().waitFor({ state: 'detached' });
  }

  /** Send what is typed, and wait for an answer that matches. */
  async send(pattern) {
    await this.page.keyboard.press('Enter');
    await this.answerInChat(pattern);
  }

  /** The last answer in the chat, once it matches. */
  async answerInChat(pattern) {
    const answer = this.page.locator('.interactive-response').last().filter({ hasText: pattern });
    await answer.waitFor();
    return answer.innerText();
  }

  async pickChatModel(name) {
    await this.page.locator('.model-picker-name').click();
    await this.page.locator('.action-widget input').fill(name);
    await this.page.locator('.action-widget .monaco-list-row', { hasText: name }).first().click();
    await this.chatModel(name);
  }

  /** Wait until the chat says that it uses the model. */
  async chatModel(name) {
    await this.page.locator('.model-picker-name', { hasText: name }).waitFor();
  }

  picker() {
    return this.page.locator('.quick-input-list .monaco-list-row');
  }

  /** Move the mouse to where it points at nothing. */
  async park() {
    await this.page.mouse.move(640, 690);
    await this.page.locator('.workbench-hover').first().waitFor({ state: 'hidden' });
  }

  /** A picture of the window, or of the part in `clip`. */
  async shot(name, clip) {
    const options = { path: join(this.shots, `${name}.png`), animations: 'disabled' };
    await this.page.screenshot(clip ? { ...options, clip } : options);
  }
}
