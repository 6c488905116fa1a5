/** A quick fix that only the editor can offer: the problems it shows of the files that a prompt names. */

import * as vscode from 'vscode';
import { documentSelector } from './documents.ts';
import type { Lifecycle } from './lifecycle.ts';
import { namedPaths, type Problem, problemLines, title } from './problems.ts';
import type { ProblemMessage, PromptMessage } from './protocol.ts';

class ProblemsAction extends vscode.CodeAction {
  constructor(
    path: string,
    readonly document: vscode.TextDocument,
    readonly prompt: PromptMessage,
    readonly problems: ProblemMessage[],
  ) {
    super(title(path, problems.length), vscode.CodeActionKind.QuickFix);
  }
}

export class EditorProblems implements vscode.CodeActionProvider<ProblemsAction> {
  constructor(private readonly server: Lifecycle) {}

  register(): vscode.Disposable {
    const kinds = { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] };
    return vscode.languages.registerCodeActionsProvider(documentSelector(), this, kinds);
  }

  async provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    context: vscode.CodeActionContext,
  ): Promise<ProblemsAction[]> {
    const files = problemsByPath(document.uri);
    // Most prompts name no file with problems, and then the server is not asked.
    if (namedPaths(document.getText(), [...files.keys()]).length === 0) return [];
    const triage = await this.server.client?.triage(document);
    const actions: ProblemsAction[] = [];
    for (const prompt of triage?.prompts ?? []) {
      if (!asRange(prompt).intersection(range)) continue;
      for (const path of namedPaths(prompt.text, [...files.keys()])) {
        const problems = problemLines(path, files.get(path) ?? []);
        if (problems.every(({ place, text }) => prompt.text.includes(`- ${place}: ${text}`))) continue;
        const action = new ProblemsAction(path, document, prompt, problems);
        action.diagnostics = context.diagnostics.filter(
          ({ source, code }) => source === 'devrouter' && code === 'error',
        );
        actions.push(action);
      }
    }
    return actions;
  }

  /** The server knows where in the prompt it belongs, and what is there already. */
  async resolveCodeAction(action: ProblemsAction): Promise<ProblemsAction> {
    const { document, prompt, problems } = action;
    const edit = await this.server.client?.addContext(document, asRange(prompt), problems);
    if (edit && edit.version === document.version) {
      action.edit = new vscode.WorkspaceEdit();
      action.edit.replace(document.uri, asRange(edit), edit.text);
    }
    return action;
  }
}

/** The errors and warnings of the workspace's files by their relative paths, as they are shown now. */
function problemsByPath(except: vscode.Uri): Map<string, Problem[]> {
  const files = new Map<string, Problem[]>();
  for (const [uri, diagnostics] of vscode.languages.getDiagnostics()) {
    if (uri.toString() === except.toString() || !vscode.workspace.getWorkspaceFolder(uri)) continue;
    const problems = diagnostics.filter(
      ({ severity, source }) => severity <= vscode.DiagnosticSeverity.Warning && source !== 'devrouter',
    );
    if (problems.length > 0) files.set(vscode.workspace.asRelativePath(uri, false), problems.map(asProblem));
  }
  return files;
}

function asProblem({ range, severity, message }: vscode.Diagnostic): Problem {
  const name = severity === vscode.DiagnosticSeverity.Error ? 'error' : 'warning';
  return { line: range.start.line + 1, severity: name, message };
}

function asRange({ range: { start, end } }: Pick<PromptMessage, 'range'>): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
