/**
 * Three chat models that write down what they are sent, for the test of Send to Chat, and a chat participant
 * that hands them what the user sent, for there is no other without a sign-in.
 */

const fs = require('node:fs');
const vscode = require('vscode');

const MODELS = ['Small', 'Medium', 'Large'].map((name) => ({
  id: name.toLowerCase(),
  name,
  family: `fake-${name.toLowerCase()}`,
  version: '1',
  maxInputTokens: 32000,
  maxOutputTokens: 4000,
  isUserSelectable: true,
  capabilities: { toolCalling: true },
}));

exports.activate = (context) => {
  const provider = {
    provideLanguageModelChatInformation: () => MODELS,
    provideTokenCount: async (_model, text) => String(text.content ?? text).length,
    async provideLanguageModelChatResponse(model, messages, _options, progress) {
      const sent = messages.map(({ role, content }) => ({
        role,
        text: content.map((part) => part.value ?? '').join(''),
      }));
      fs.appendFileSync(process.env.DEVROUTER_TEST_CHAT, `${JSON.stringify({ model: model.id, sent })}\n`);
      progress.report(new vscode.LanguageModelTextPart('Noted.'));
    },
  };
  context.subscriptions.push(vscode.lm.registerLanguageModelChatProvider('fake', provider));
  const participant = vscode.chat.createChatParticipant('fake.default', async (request, _context, stream, token) => {
    const asked = [vscode.LanguageModelChatMessage.User(request.prompt)];
    const response = await request.model.sendRequest(asked, {}, token);
    for await (const part of response.text) stream.markdown(part);
  });
  context.subscriptions.push(participant);
};
