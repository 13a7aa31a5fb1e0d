// The function app on Elastic Premium: a custom handler on Linux. A package without a file share unless contentShare.
@description('Name of the plan.')
param planName string
@description('Name of the app; more than 32 characters would make host ids collide.')
@maxLength(32)
param appName string
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Size of the plan: EP1, EP2 or EP3.')
param sku string
@description('Resource id of the app\'s identity.')
param identityId string
@description('Settings that every plan has.')
param settings object
@description('Address of the package\'s blob.')
param packageUrl string
@description('Account of the content share; empty for a package without one.')
param shareStorageName string
@description('Instances that always run.')
param alwaysReadyInstances int
@description('Most instances.')
param maximumInstances int
@description('Spread over availability zones.')
param zoneRedundant bool
@description('Whether the app is in a virtual network.')
param vnetEnabled bool
@description('The app\'s subnet; empty without a virtual network.')
param subnetId string
@description('Workspace for diagnostics.')
param workspaceId string
@description('Storage account that the app\'s logs are archived to.')
param archiveStorageId string

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'elastic'
  sku: { name: sku, tier: 'ElasticPremium', family: 'EP', capacity: alwaysReadyInstances }
  properties: {
    reserved: true
    maximumElasticWorkerCount: max(maximumInstances, alwaysReadyInstances)
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: appName
  location: location
  // Without a content share there is no tag azd-service-name, because azd's deployment does not apply to a package at an address.
  tags: empty(shareStorageName) ? tags : union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: vnetEnabled ? subnetId : null
    outboundVnetRouting: vnetEnabled ? { allTraffic: true, contentShareTraffic: !empty(shareStorageName) } : null
    siteConfig: {
      linuxFxVersion: '' // empty for a custom handler
      use32BitWorkerProcess: false
      alwaysOn: false
      http20Enabled: true
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      remoteDebuggingEnabled: false
      healthCheckPath: '/api/health'
      minimumElasticInstanceCount: alwaysReadyInstances
      functionAppScaleLimit: max(maximumInstances, alwaysReadyInstances)
      functionsRuntimeScaleMonitoringEnabled: vnetEnabled
    }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = { name: 'ftp', properties: { allow: false } }
  resource scm 'basicPublishingCredentialsPolicies' = { name: 'scm', properties: { allow: false } }
}

resource share 'Microsoft.Storage/storageAccounts@2025-06-01' existing = if (!empty(shareStorageName)) {
  name: shareStorageName
}

var platform = {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'custom'
  SCM_DO_BUILD_DURING_DEPLOYMENT: 'false'
  ENABLE_ORYX_BUILD: 'false'
}
var fromBlob = {
  WEBSITE_RUN_FROM_PACKAGE: packageUrl
  WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID: identityId
}
var fromShare = union({
  WEBSITE_RUN_FROM_PACKAGE: '1'
  WEBSITE_CONTENTSHARE: toLower(appName)
}, vnetEnabled ? { WEBSITE_SKIP_CONTENTSHARE_VALIDATION: '1' } : {}) // Resource Manager cannot reach a share in the network

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    settings,
    platform,
    empty(shareStorageName) ? fromBlob : fromShare,
    empty(shareStorageName) ? {} : {
      WEBSITE_CONTENTAZUREFILECONNECTIONSTRING: 'DefaultEndpointsProtocol=https;AccountName=${shareStorageName};AccountKey=${share!.listKeys().keys[0].value};EndpointSuffix=${environment().suffixes.storage}'
    }
  )
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace-and-archive'
  scope: app
  properties: {
    workspaceId: workspaceId
    storageAccountId: archiveStorageId
    logs: [{ category: 'FunctionAppLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

@description('Resource id of the app.')
output id string = app.id
@description('Address of the app.')
output url string = 'https://${app.properties.defaultHostName}'
