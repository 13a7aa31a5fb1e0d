// Analyses KQL queries against the schemas of tables.
// In: {"tables": {name: "(column: type, ...)"}, "queries": {file: text}} on stdin.
// Out: one line "file:offset: code message" for each thing wrong.
require('@kusto/language-service-next/bridge.min');
require('@kusto/language-service-next');

const symbols = Kusto.Language.Symbols;
const { tables, queries } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const all = Object.entries(tables).map(([name, columns]) => new symbols.TableSymbol.$ctor7(name, columns, null));
const globals = Kusto.Language.GlobalState.Default.WithDatabase(new symbols.DatabaseSymbol.$ctor1('workspace', all));

for (const [file, text] of Object.entries(queries)) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, globals);
  for (const d of Bridge.toArray(code.GetDiagnostics())) {
    console.log(`${file}:${d.Start}: ${d.Code} ${d.Message}`);
  }
}
