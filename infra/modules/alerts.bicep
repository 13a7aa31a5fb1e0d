// Alerts. docs/operate.md says for each what it means, where to look first and what to do.
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Workspace whose tables the alerts query.')
param workspaceId string
@description('Name of the action group.')
param actionGroupName string
@description('Address to mail; empty for none.')
param email string
@description('Hours without a finished run.')
param noRunHours int
@description('Resource id of the SQL database.')
param sqlDatabaseId string

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'fleetscore'
    enabled: true
    // Without a receiver, an alert is only shown in the portal.
    emailReceivers: empty(email) ? [] : [{ name: 'operator', emailAddress: email, useCommonAlertSchema: true }]
  }
}

// severity: 1 error, 2 warning. column: the column of the query's result that is compared with threshold.
var rules = [
  { name: 'no-finished-run', severity: 1, query: loadTextContent('../alerts/no-finished-run.kql'), column: 'Runs', operator: 'LessThan', threshold: 1, window: noRunHours < 24 ? 'PT${noRunHours}H' : 'P${noRunHours / 24}D', every: 'PT15M', title: 'No run has finished for ${noRunHours} h' }
  { name: 'failed-or-degraded-run', severity: 2, query: loadTextContent('../alerts/failed-or-degraded-run.kql'), column: 'Runs', operator: 'GreaterThan', threshold: 0, window: 'PT15M', every: 'PT5M', title: 'A run failed, or is degraded' }
  { name: 'run-over-budget', severity: 1, query: loadTextContent('../alerts/run-over-budget.kql'), column: 'Runs', operator: 'GreaterThan', threshold: 0, window: 'PT15M', every: 'PT5M', title: 'More jobs of a run went wrong than SCORE_MAX_FAILED allows' }
  { name: 'poison-messages', severity: 2, query: loadTextContent('../alerts/poison-messages.kql'), column: 'Messages', operator: 'GreaterThan', threshold: 0, window: 'PT15M', every: 'PT5M', title: 'The host gave messages up' }
  { name: 'dead-letters', severity: 2, query: loadTextContent('../alerts/dead-letters.kql'), column: 'Rejected', operator: 'GreaterThan', threshold: 0, window: 'PT1H', every: 'PT15M', title: 'Readings or messages were rejected' }
  { name: 'ingest-lag', severity: 2, query: loadTextContent('../alerts/ingest-lag.kql'), column: 'PercentBehind', operator: 'GreaterThan', threshold: 20, window: 'PT15M', every: 'PT5M', title: 'Ingest falls behind' }
  { name: 'host-start-failure', severity: 1, query: loadTextContent('../alerts/host-start-failure.kql'), column: 'Failures', operator: 'GreaterThan', threshold: 0, window: 'PT15M', every: 'PT5M', title: 'The Functions host could not start the handler' }
]

resource queryAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'fleetscore-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: 'What it means and what to do: docs/operate.md.'
    severity: rule.severity
    enabled: true
    scopes: [workspaceId]
    evaluationFrequency: rule.every
    windowSize: rule.window
    skipQueryValidation: true // a table exists only after its first row
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Total'
          metricMeasureColumn: rule.column
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [actions.id] }
  }
}]

// The rate of ingest in Azure SQL is limited by the rate at which it writes its log.
resource sqlLogRate 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'fleetscore-sql-log-rate'
  location: 'global'
  tags: tags
  properties: {
    description: 'The database writes its log at more than 90 % of what its tier allows: ingest will fall behind. More vCores, or fewer readings.'
    severity: 2
    enabled: true
    scopes: [sqlDatabaseId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        { name: 'log-rate', criterionType: 'StaticThresholdCriterion', metricName: 'log_write_percent', operator: 'GreaterThan', threshold: 90, timeAggregation: 'Average' }
      ]
    }
    actions: [{ actionGroupId: actions.id }]
  }
}
