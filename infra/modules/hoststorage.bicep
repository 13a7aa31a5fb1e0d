// The host's own storage: keys, timer locks, Event Hubs checkpoints, and the packages. Shared keys are off.
@description('Name of the account.')
@maxLength(24)
param name string
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Keep copies in several availability zones.')
param zoneRedundant bool
@description('Whether the account can be reached from outside the virtual network.')
param publicNetworkAccess bool
@description('Object id of the app\'s identity.')
param appPrincipalId string
@description('Object id of the deployer, who uploads packages.')
param deployerPrincipalId string
@description('What the deployer is.')
param deployerPrincipalType string
@description('Workspace for diagnostics.')
param workspaceId string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: publicNetworkAccess ? 'Allow' : 'Deny', bypass: 'AzureServices' }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    // Checkpoints of Event Hubs need an account without soft delete.
    properties: { deleteRetentionPolicy: { enabled: false } }

    resource releases 'containers' = { name: 'releases' }
    resource deployment 'containers' = { name: 'deployment' }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: account::blobs
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'StorageDelete', enabled: true }]
  }
}

// The host: Blob Data Owner (keys, leases, checkpoints; it reads the package too), Table Data Contributor (diagnostic events). Queues it uses
// for blob triggers only, of which there is none.
var appRoles = [
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
]

resource appAssignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in appRoles: {
  name: guid(account.id, appPrincipalId, role)
  scope: account
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

// The deployer: Blob Data Contributor, on the container of packages alone. To that of Flex Consumption the platform writes, as the app.
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource releaseUpload 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::releases.id, deployerPrincipalId, blobDataContributor)
  scope: account::blobs::releases
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}

@description('Resource id.')
output id string = account.id
@description('Name.')
output name string = account.name
@description('Blob endpoint, with a slash at its end.')
output blobEndpoint string = account.properties.primaryEndpoints.blob
@description('Container that packages are uploaded to.')
output releaseContainer string = account::blobs::releases.name
@description('Container that Flex Consumption keeps its package in.')
output deploymentContainer string = account::blobs::deployment.name
