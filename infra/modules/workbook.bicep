// The workbook "Fleetscore": runs, sensors, anomalies, ingest, queue, dead letters, instances. Its queries are the files in ../workbook.
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Workspace that the workbook queries.')
param workspaceId string

var charts = [
  { title: 'Runs', query: loadTextContent('../workbook/runs.kql'), visualization: 'table' }
  { title: 'Jobs by outcome', query: loadTextContent('../workbook/jobs-by-outcome.kql'), visualization: 'barchart' }
  { title: 'Anomalies', query: loadTextContent('../workbook/anomalies.kql'), visualization: 'linechart' }
  { title: 'vCPU-seconds of each run', query: loadTextContent('../workbook/vcpu-seconds.kql'), visualization: 'table' }
  { title: 'Readings stored each minute', query: loadTextContent('../workbook/ingest.kql'), visualization: 'timechart' }
  { title: 'What was rejected, by reason', query: loadTextContent('../workbook/refusals.kql'), visualization: 'table' }
  { title: 'Ingest lag', query: loadTextContent('../workbook/ingest-lag.kql'), visualization: 'timechart' }
  { title: 'Event hub', query: loadTextContent('../workbook/hub.kql'), visualization: 'timechart' }
  { title: 'Queue and poison', query: loadTextContent('../workbook/queue.kql'), visualization: 'timechart' }
  { title: 'Readings that no run covers', query: loadTextContent('../workbook/uncovered.kql'), visualization: 'table' }
  { title: 'Dead letters', query: loadTextContent('../workbook/dead-letters.kql'), visualization: 'table' }
  { title: 'Instances', query: loadTextContent('../workbook/instances.kql'), visualization: 'timechart' }
  { title: 'Invocations', query: loadTextContent('../workbook/invocations.kql'), visualization: 'table' }
]

var range = {
  type: 9
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    parameters: [
      { id: guid('range'), version: 'KqlParameterItem/1.0', name: 'TimeRange', label: 'Time range', type: 4, isRequired: true, value: { durationMs: 86400000 }, typeSettings: { selectableValues: [{ durationMs: 3600000 }, { durationMs: 86400000 }, { durationMs: 604800000 }, { durationMs: 2592000000 }], allowCustom: true } }
    ]
  }
}
var items = [for chart in charts: {
  type: 3
  content: {
    version: 'KqlItem/1.0'
    title: chart.title
    query: chart.query
    size: 0
    timeContextFromParameter: 'TimeRange'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
    crossComponentResources: [workspaceId]
    visualization: chart.visualization
  }
}]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Fleetscore'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string({ version: 'Notebook/1.0', items: concat([range], items), fallbackResourceIds: [workspaceId] })
  }
}

@description('Resource id of the workbook.')
output id string = workbook.id
