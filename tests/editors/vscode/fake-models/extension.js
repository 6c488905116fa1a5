/**
 * Three chat models that write down what they are sent, and a chat participant that hands them the
 * conversation, for there is no other without a sign-in. A request for files makes a model call a tool; one
 * for patience is never answered to its end, one for silence without a word.
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
const TOOL = { name: 'list_files', description: 'The files here', inputSchema: { type: 'object', properties: {} } };

const provider = {
  provideLanguageModelChatInformation: () => MODELS,
  provideTokenCount: async (_model, text) => String(text.content ?? text).length,
  async provideLanguageModelChatResponse(model, messages, options, progress, token) {
    const sent = messages.map(({ role, content }) => ({
      role,
      text: content.map((part) => part.value ?? '').join(''),
      parts: content.map(kindOf),
    }));
    note({ model: model.id, sent, tools: (options.tools ?? []).map(({ name }) => name) });
    const last = sent.at(-1);
    if (last.text.includes('files')) {
      progress.report(new vscode.LanguageModelToolCallPart('call-1', TOOL.name, {}));
    } else if (last.text.includes('patience')) {
      progress.report(new vscode.LanguageModelTextPart('It begins.'));
      await new Promise((resolve) => token.onCancellationRequested(resolve));
      note({ model: model.id, cancelled: true });
    } else if (!last.text.includes('silence')) {
      progress.report(new vscode.LanguageModelTextPart('Noted.'));
    }
  },
};

async function participant(request, context, stream, token) {
  const messages = [...context.history.map(fromHistory), vscode.LanguageModelChatMessage.User(request.prompt)];
  for (let calls = 1; calls > 0; ) {
    calls = 0;
    const response = await request.model.sendRequest(messages, { tools: [TOOL] }, token);
    for await (const part of response.stream) {
      if (part instanceof vscode.LanguageModelTextPart) stream.markdown(part.value);
      if (part instanceof vscode.LanguageModelToolCallPart) {
        calls++;
        const found = new vscode.LanguageModelTextPart('a.py, b.py');
        messages.push(
          vscode.LanguageModelChatMessage.Assistant([part]),
          vscode.LanguageModelChatMessage.User([new vscode.LanguageModelToolResultPart(part.callId, [found])]),
        );
      }
    }
  }
}

function fromHistory(turn) {
  if (turn instanceof vscode.ChatRequestTurn) return vscode.LanguageModelChatMessage.User(turn.prompt);
  const text = turn.response.map((part) => part.value?.value ?? '').join('');
  return vscode.LanguageModelChatMessage.Assistant(text);
}

function kindOf(part) {
  if (part instanceof vscode.LanguageModelToolCallPart) return 'tool call';
  if (part instanceof vscode.LanguageModelToolResultPart) return 'tool result';
  return part instanceof vscode.LanguageModelTextPart ? 'text' : 'other';
}

function note(line) {
  fs.appendFileSync(process.env.DEVROUTER_TEST_CHAT, `${JSON.stringify(line)}\n`);
}

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.lm.registerLanguageModelChatProvider('fake', provider),
    vscode.chat.createChatParticipant('fake.default', participant),
  );
};
