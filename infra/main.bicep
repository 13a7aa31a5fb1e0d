// Fleetscore in Azure: Event Hubs, Azure SQL, Blob and Queue storage, and the function app that scores a fleet of sensors.
// Everything authenticates with identities; no key leaves its resource.
targetScope = 'subscription'

// ---- what azd gives
@description('Name of the environment; resource names are derived from it.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Azure region of all resources.')
@minLength(1)
param location string

@description('Object id of the person or pipeline that deploys. It becomes the SQL server\'s Entra administrator, and may upload packages and models.')
param principalId string

@description('What principalId is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

@description('Display name of principalId, as SQL shows its administrator.')
param principalName string = 'deployer'

// ---- hosting
@description('Hosting plan: Elastic Premium (EP1 1 core/3.5 GB, EP2 2/7, EP3 4/14), or FC1 for Flex Consumption, which scales to zero.')
@allowed(['EP1', 'EP2', 'EP3', 'FC1'])
param hostingPlan string = 'EP1'

@description('Instances that always run. Elastic Premium bills at least one, three with zoneRedundant; 0, the default on FC1, is possible there only.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = hostingPlan == 'FC1' ? 0 : 1

@description('Most instances of the app on Elastic Premium. Each opens at most 8 SQL connections: 10 stay well below the 150 workers of two serverless vCores.')
@minValue(1)
@maxValue(20)
param maximumInstances int = 10

@description('Most instances of each function on FC1, at least 40 by the platform\'s rule. Each opens at most 8 SQL connections: 40 of score need the workers of eight vCores.')
@minValue(40)
@maxValue(1000)
param flexMaximumInstances int = 40

@description('Memory of an FC1 instance, in MB.')
@allowed([512, 2048, 4096])
param flexInstanceMemoryMB int = 2048

@description('Keep the app\'s content in an Azure Files share, for those whom the platform\'s note on the scaling of packages without one worries. It needs one account key, the only one. Elastic Premium only, and fixed when the app is created.')
param contentShare bool = false

@description('Package that the app runs, as container/name. fleetscore package fills it in: what runs now, or for a new app what was just built.')
param appPackage string = 'releases/none.zip'

// ---- network
@description('Put all data services behind private endpoints, and the app into a virtual network.')
param vnetEnabled bool = false

@description('Address range of the virtual network, a /22 or larger.')
param vnetAddressPrefix string = '10.80.0.0/22'

// ---- ingest
@description('How events become readings: the name of a built-in mapping, a program in jq, or config/NAME.jq for a blob in the container config.')
param ingestMap string = 'auto'

@description('Columns of events that are CSV, or header where the first line names them. Empty: no event is CSV.')
param ingestCsv string = ''

@description('Time zone of times in events that name none, by its name in the IANA database.')
param ingestTimeZone string = 'UTC'

@description('What dates such as 03/04/2026 begin with. Empty: they are refused.')
@allowed(['', 'dmy', 'mdy'])
param ingestDateOrder string = ''

@description('How far a reading may lie ahead of the moment at which its event reached the hub.')
param ingestFuture string = '24h'

@description('What is done with readings before they are stored: rules in JSON, or config/NAME.json for a blob in the container config. Empty: nothing.')
param ingestRules string = ''

// ---- telemetry
@description('Address of an OpenTelemetry collector that takes OTLP over HTTP: traces and metrics go there, besides what Application Insights has. Empty: nowhere.')
param otlpEndpoint string = ''

@description('What the collector wants to be sent along, as a reference to a secret: @Microsoft.KeyVault(SecretUri=…). The app\'s identity has to be allowed to read it. Empty: nothing.')
param otlpHeaders string = ''

// ---- scoring
@description('When scored windows end: an NCRONTAB expression with seconds, by the clocks of scoreTimeZone.')
param scoreSchedule string = '0 0 * * * *'

@description('The time zone of scoreSchedule, by its name in the IANA database, such as Europe/Berlin.')
param scoreTimeZone string = 'UTC'

@description('How often the application looks at its ledger: an NCRONTAB expression.')
param scoreTick string = '0 * * * * *'

@description('What a run writes: a CSV a job, or both that and a Parquet file a device.')
@allowed(['csv', 'both'])
param output string = 'csv'

@description('How long after a window its readings may still arrive before it is scored.')
param scoreDelay string = '1m'

@description('Sensors per queue message: more makes large fleets cheaper, fewer isolates better.')
@minValue(1)
@maxValue(256)
param sensorsPerMessage int = 1

@description('Score aggregates instead of raw readings, such as 5m:mean,max. Empty: raw.')
param scoreAggregate string = ''

@description('How many jobs of a run may go wrong before it is failed: a number, or per cent such as 2%; also for one outcome, as in 2%,bad_model=0. Empty: no limit.')
param scoreMaxFailed string = ''

// ---- Event Hubs
@description('Partitions of the event hub: the most ingest invocations at once. Fixed on the Standard tier.')
@minValue(1)
@maxValue(32)
param eventHubPartitions int = 4

@description('Throughput units to begin with, 1 MB/s or 1,000 events/s in each.')
@minValue(1)
@maxValue(40)
param eventHubThroughputUnits int = 1

@description('Throughput units that Event Hubs may grow to by itself.')
@minValue(1)
@maxValue(40)
param eventHubMaximumThroughputUnits int = 4

@description('Hours that Event Hubs keeps events, at most 168. Capture keeps them in Blob for longer.')
@minValue(1)
@maxValue(168)
param eventRetentionHours int = 72

// ---- Azure SQL
@description('Most vCores of the serverless database. Each gives 75 workers, which bound the connections that the app\'s instances may use at once, and 4.5 MB/s of log, which bounds ingest.')
@allowed([1, 2, 4, 6, 8, 10, 12, 14, 16])
param sqlMaxVCores int = hostingPlan == 'FC1' ? 8 : 2

@description('Fewest vCores of the serverless database, which are billed all the time: it does not pause, as the tick looks at it each minute. The platform takes no less than an eighth of sqlMaxVCores.')
param sqlMinVCores string = hostingPlan == 'FC1' ? '1' : '0.5'

@description('Size limit of the database, in GB.')
@minValue(1)
@maxValue(1024)
param sqlMaxSizeGB int = 32

@description('Spread the database, the storage and the app\'s instances over availability zones.')
param zoneRedundant bool = false

// ---- retention
@description('Days that runs, their predictions and manifests, and readings in SQL are kept. Older readings are deleted whenever they were sent: raise it before sending old data.')
@minValue(2)
@maxValue(36500)
param retentionDays int = 90

@description('Days that error logs, archived app logs and dead letters are kept.')
@minValue(1)
param logRetentionDays int = 30

@description('Days that captured events are kept for replay.')
@minValue(1)
param captureRetentionDays int = 30

// ---- monitoring
@description('Address that alerts are mailed to. Empty: alerts fire and mail nobody.')
param alertEmail string = ''

@description('Hours without a finished run after which an alert fires.')
@allowed([1, 2, 3, 4, 5, 6, 24, 48])
param noRunAlertHours int = 3

@description('Days that Log Analytics keeps logs; 30 cost nothing extra.')
@minValue(30)
@maxValue(730)
param workspaceRetentionDays int = 30

@description('Most gigabytes of logs a day; -1 for no limit. Beyond it alerts see nothing until the next day.')
param logDailyCapGB int = 5

@description('Monthly budget in the subscription\'s currency, with mails to alertEmail at 80 and 100 %; it needs budgetStartDate too. 0: none.')
@minValue(0)
param budgetAmount int = 0

@description('First day of the budget\'s first month, such as 2027-01-01: the current month or a later one when the budget is made. The platform refuses to change it afterwards, so leave it as it was.')
param budgetStartDate string = ''

var abbreviations = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName, application: 'fleetscore' }
var flex = hostingPlan == 'FC1'
var share = contentShare && !flex
var hostStorageName = '${abbreviations.storageHost}${token}'
var dataStorageName = '${abbreviations.storageData}${token}'
var shareStorageName = share ? '${abbreviations.storageShare}${token}' : ''
var eventHubName = 'readings'
var consumerGroup = 'fleetscore'
var appName = '${abbreviations.functionApp}${token}'

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: '${abbreviations.resourceGroup}${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: '${abbreviations.identity}${token}'
    location: location
    tags: tags
  }
}

// Event Hubs writes its captures with a separate identity, which has no other right.
module captureIdentity 'modules/identity.bicep' = {
  scope: group
  params: {
    name: '${abbreviations.identity}capture-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: '${abbreviations.logAnalytics}${token}'
    appInsightsName: '${abbreviations.appInsights}${token}'
    location: location
    tags: tags
    retentionDays: workspaceRetentionDays
    dailyCapGB: logDailyCapGB
    publisherPrincipalId: identity.outputs.principalId
  }
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  scope: group
  params: {
    name: '${abbreviations.network}${token}'
    location: location
    tags: tags
    addressPrefix: vnetAddressPrefix
    appDelegation: flex ? 'Microsoft.App/environments' : 'Microsoft.Web/serverFarms'
  }
}

module hostStorage 'modules/hoststorage.bicep' = {
  scope: group
  params: {
    name: hostStorageName
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    publicNetworkAccess: !vnetEnabled
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
    workspaceId: monitoring.outputs.workspaceId
  }
}

module dataStorage 'modules/datastorage.bicep' = {
  scope: group
  params: {
    name: dataStorageName
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    publicNetworkAccess: !vnetEnabled
    appPrincipalId: identity.outputs.principalId
    capturePrincipalId: captureIdentity.outputs.principalId
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
    predictionRetentionDays: retentionDays
    logRetentionDays: logRetentionDays
    captureRetentionDays: captureRetentionDays
    workspaceId: monitoring.outputs.workspaceId
  }
}

module shareStorage 'modules/sharestorage.bicep' = if (share) {
  scope: group
  params: {
    name: shareStorageName
    location: location
    tags: tags
    shareName: appName
    zoneRedundant: zoneRedundant
    publicNetworkAccess: !vnetEnabled
  }
}

module eventHubs 'modules/eventhubs.bicep' = {
  scope: group
  params: {
    name: '${abbreviations.eventHubs}${token}'
    location: location
    tags: tags
    publicNetworkAccess: !vnetEnabled
    partitions: eventHubPartitions
    hubName: eventHubName
    consumerGroup: consumerGroup
    throughputUnits: eventHubThroughputUnits
    maximumThroughputUnits: eventHubMaximumThroughputUnits
    retentionHours: eventRetentionHours
    appPrincipalId: identity.outputs.principalId
    captureIdentityId: captureIdentity.outputs.id
    captureStorageId: dataStorage.outputs.id
    captureContainer: dataStorage.outputs.captureContainer
    deployerPrincipalId: principalId
    deployerPrincipalType: principalType
    workspaceId: monitoring.outputs.workspaceId
  }
}

module sql 'modules/sql.bicep' = {
  scope: group
  params: {
    serverName: '${abbreviations.sqlServer}${token}'
    location: location
    tags: tags
    publicNetworkAccess: !vnetEnabled
    administratorId: principalId
    administratorName: principalName
    administratorType: principalType
    maxVCores: sqlMaxVCores
    minVCores: sqlMinVCores
    maxSizeGB: sqlMaxSizeGB
    zoneRedundant: zoneRedundant
    workspaceId: monitoring.outputs.workspaceId
  }
}

module endpoints 'modules/endpoints.bicep' = if (vnetEnabled) {
  scope: group
  params: {
    location: location
    tags: tags
    networkId: network!.outputs.id
    networkName: '${abbreviations.network}${token}'
    withShare: share
    subnetId: network!.outputs.endpointSubnetId
    hostStorageId: hostStorage.outputs.id
    dataStorageId: dataStorage.outputs.id
    shareStorageId: share ? shareStorage!.outputs.id : ''
    eventHubsId: eventHubs.outputs.id
    sqlServerId: sql.outputs.serverId
  }
}

// The settings of every plan: those of handler/config, and the connections of function.json. None is a secret: each connection is an
// address and an identity.
var storageSuffix = environment().suffixes.storage
var settings = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
  AZURE_CLIENT_ID: identity.outputs.clientId
  AzureWebJobsStorage__blobServiceUri: 'https://${hostStorageName}.blob.${storageSuffix}'
  AzureWebJobsStorage__tableServiceUri: 'https://${hostStorageName}.table.${storageSuffix}'
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.outputs.clientId
  DataStorage__blobServiceUri: 'https://${dataStorageName}.blob.${storageSuffix}'
  DataStorage__queueServiceUri: 'https://${dataStorageName}.queue.${storageSuffix}'
  DataStorage__credential: 'managedidentity'
  DataStorage__clientId: identity.outputs.clientId
  EventHubConnection__fullyQualifiedNamespace: eventHubs.outputs.fullyQualifiedNamespace
  EventHubConnection__credential: 'managedidentity'
  EventHubConnection__clientId: identity.outputs.clientId
  EVENTHUB_NAME: eventHubName
  EVENTHUB_CONSUMER_GROUP: consumerGroup
  SQL_DSN: 'sqlserver://${sql.outputs.fullyQualifiedDomainName}:1433?database=${sql.outputs.databaseName}&fedauth=ActiveDirectoryManagedIdentity&user+id=${identity.outputs.clientId}&encrypt=true&TrustServerCertificate=false'
  INGEST_MAP: ingestMap
  INGEST_CSV: ingestCsv
  INGEST_TIME_ZONE: ingestTimeZone
  INGEST_DATE_ORDER: ingestDateOrder
  INGEST_FUTURE: ingestFuture
  INGEST_RULES: ingestRules
  SCORE_SCHEDULE: scoreSchedule
  SCORE_TICK: scoreTick
  SCORE_TIME_ZONE: scoreTimeZone
  SCORE_DELAY: scoreDelay
  SCORE_SENSORS_PER_MESSAGE: string(sensorsPerMessage)
  SCORE_AGGREGATE: scoreAggregate
  OUTPUT: output
  SCORE_MAX_FAILED: scoreMaxFailed
  SCORE_RETENTION_DAYS: string(retentionDays)
  OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeaders
}

module premium 'modules/premium.bicep' = if (!flex) {
  scope: group
  params: {
    planName: '${abbreviations.plan}${token}'
    appName: appName
    location: location
    tags: tags
    sku: hostingPlan
    identityId: identity.outputs.id
    settings: settings
    packageUrl: '${hostStorage.outputs.blobEndpoint}${appPackage}'
    shareStorageName: shareStorageName
    alwaysReadyInstances: max(alwaysReadyInstances, zoneRedundant ? 3 : 1)
    maximumInstances: maximumInstances
    zoneRedundant: zoneRedundant
    vnetEnabled: vnetEnabled
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    workspaceId: monitoring.outputs.workspaceId
    archiveStorageId: dataStorage.outputs.id
  }
  dependsOn: [endpoints, shareStorage]
}

module flexApp 'modules/flex.bicep' = if (flex) {
  scope: group
  params: {
    planName: '${abbreviations.plan}${token}'
    appName: appName
    location: location
    tags: tags
    identityId: identity.outputs.id
    settings: settings
    deploymentContainerUrl: '${hostStorage.outputs.blobEndpoint}${hostStorage.outputs.deploymentContainer}'
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: flexMaximumInstances
    instanceMemoryMB: flexInstanceMemoryMB
    zoneRedundant: zoneRedundant
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    workspaceId: monitoring.outputs.workspaceId
    archiveStorageId: dataStorage.outputs.id
  }
  dependsOn: [endpoints]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    actionGroupName: '${abbreviations.actionGroup}${token}'
    email: alertEmail
    noRunHours: noRunAlertHours
    sqlDatabaseId: sql.outputs.databaseId
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module budget 'modules/budget.bicep' = if (budgetAmount > 0 && !empty(budgetStartDate)) {
  scope: group
  params: {
    amount: budgetAmount
    startDate: budgetStartDate
    email: alertEmail
  }
}

@description('Resource group that holds everything.')
output AZURE_RESOURCE_GROUP string = group.name
@description('Name of the function app.')
output FUNCTION_APP_NAME string = appName
@description('Address of the function app.')
output FUNCTION_APP_URL string = flex ? flexApp!.outputs.url : premium!.outputs.url
@description('Plan of the function app, which decides how it is released.')
output HOSTING_PLAN string = hostingPlan
@description('Whether the app\'s content lies in a file share; then azd deploys the package, not fleetscore release.')
output CONTENT_SHARE bool = share
@description('Blob endpoint that packages are uploaded to.')
output PACKAGE_BLOB_ENDPOINT string = hostStorage.outputs.blobEndpoint
@description('Container that packages are uploaded to.')
output PACKAGE_CONTAINER string = hostStorage.outputs.releaseContainer
@description('Name of the SQL server.')
output SQL_SERVER_NAME string = sql.outputs.serverName
@description('Host name of the SQL server.')
output SQL_SERVER_FQDN string = sql.outputs.fullyQualifiedDomainName
@description('Name of the database.')
output SQL_DATABASE string = sql.outputs.databaseName
@description('Name of the app\'s identity, also that of its database user.')
output IDENTITY_NAME string = identity.outputs.name
@description('Portal address of the workbook.')
output WORKBOOK_URL string = 'https://portal.azure.com/#resource${workbook.outputs.id}/workbook'
@description('Client id of the app\'s identity, which the database user\'s SID is made of.')
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
// Named as the settings are, so that azd exec runs every command of fleetscore on what is deployed.
@description('Event Hubs namespace to send readings to.')
output EventHubConnection__fullyQualifiedNamespace string = eventHubs.outputs.fullyQualifiedNamespace
@description('Blob endpoint of models and predictions.')
output DataStorage__blobServiceUri string = settings.DataStorage__blobServiceUri
@description('Queue endpoint of the jobs.')
output DataStorage__queueServiceUri string = settings.DataStorage__queueServiceUri
@description('Event hub to send readings to.')
output EVENTHUB_NAME string = eventHubName
