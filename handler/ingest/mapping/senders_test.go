package mapping

import "testing"

// TestSenders checks what is read from events of products and services. TestShapes explains the
// summaries.
func TestSenders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, mapping, body, system, properties, want string }{
		{`aio`, `auto`, `{"temperature":{"SourceTimestamp":"2026-11-27T07:00:00Z","Value":21.5},"Tag 10":{"SourceTimestamp":"2026-11-27T07:00:00Z","Value":3}}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temperature@0=21.5 rpi/Tag 10@0=3`},
		{`mindsphere`, `auto`, `{"type":"item","version":"1","payload":[{"timestamp":"2026-11-27T07:00:00Z","values":[{"dataPointId":"temp","value":"21.5","qualityCode":"0"},{"dataPointId":"rpm","value":"900","qualityCode":"0"}]}],"assetId":"pump-1"}`, ``, ``, `pump-1/temp@0=21.5 pump-1/rpm@0=900`},
		{`mindsphere-timeseries`, `auto`, `[{"timestamp":"2026-11-27T07:00:00Z","values":[{"dataPointId":"temp","value":"21.5","qualityCode":"0"}]}]`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@0=21.5`},
		{`insightshub-ts`, `auto`, `[{"_time":"2026-11-27T07:00:00Z","temp":21.5,"rpm":3,"temp_qc":0}]`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@0=21.5 rpi/rpm@0=3`},
		{`aws-shadow`, `auto`, `{"state":{"reported":{"temp":21.5,"rpm":3}},"timestamp":1795762800}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@0=21.5 rpi/rpm@0=3`},
		{`aws-sitewise`, `auto`, `{"propertyAlias":"/line1/pump/temp","propertyValues":[{"value":{"doubleValue":21.5},"timestamp":{"timeInSeconds":1795762800,"offsetInNanos":0},"quality":"GOOD"}]}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi//line1/pump/temp@0=21.5`},
		{`sitewise-asset`, `auto`, `{"type":"PropertyValueUpdate","payload":{"assetId":"a-1","propertyId":"p-2","values":[{"timestamp":{"timeInSeconds":1795762800,"offsetInNanos":0},"quality":"GOOD","value":{"doubleValue":21.5}}]}}`, ``, ``, `a-1/p-2@0=21.5`},
		{`telegraf`, `auto`, `{"fields":{"usage_idle":92.5,"usage_user":3},"name":"cpu","tags":{"cpu":"cpu0","host":"srv1"},"timestamp":1795762800}`, ``, ``, `srv1/usage_idle@0=92.5 srv1/usage_user@0=3`},
		{`telegraf-batch`, `auto`, `{"metrics":[{"fields":{"temp":21.5},"name":"pump","tags":{"host":"srv1"},"timestamp":1795762800},{"fields":{"rpm":3},"name":"pump","tags":{"host":"srv2"},"timestamp":1795762800}]}`, ``, ``, `srv1/temp@0=21.5 srv2/rpm@0=3`},
		{`line-protocol`, `auto`, "pump,machine=p1 temp=21.5,rpm=900i,on=true 1795762800000000000\n", ``, ``, `p1/temp@0=21.5 p1/rpm@0=900 p1/on@0=1`},
		{`line-protocol-multi`, `auto`, "pump,machine=p1,site=a\\ b temp=21.5 1795762800000000000\npump,machine=p2 temp=22 1795762800000000000", ``, ``, `p1/temp@0=21.5 p2/temp@0=22`},
		{`nodered`, `auto`, `{"topic":"plant/line1/pump1/temp","payload":21.5,"_msgid":"x"}`, ``, ``, `!`},
		{`nodered-obj`, `auto`, `{"topic":"plant/pump1","payload":{"temp":21.5,"rpm":3},"_msgid":"abc"}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@2=21.5 rpi/rpm@2=3`},
		{`opc-pubsub-header`, `auto`, `{"MessageId":"1","MessageType":"ua-data","PublisherId":"opc","Messages":[{"DataSetWriterId":1,"SequenceNumber":1,"Timestamp":"2026-11-27T07:00:00Z","Payload":{"temp":{"Value":21.5,"SourceTimestamp":"2026-11-27T07:00:00Z"},"n":{"Value":3,"SourceTimestamp":"2026-11-27T07:00:00Z","StatusCode":{"Code":2147483648}}}}]}`, ``, ``, `opc/temp@0=21.5 ?`},
		{`opc-pubsub-noheader`, `auto`, `[{"DataSetWriterId":1,"Timestamp":"2026-11-27T07:00:00Z","Payload":{"temp":{"Value":21.5}}}]`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@0=21.5`},
		{`opc-pubsub-noheader-writer`, `auto`, `[{"DataSetWriterName":"line1","Timestamp":"2026-11-27T07:00:00Z","Payload":{"temp":21.5,"rpm":3}}]`, ``, ``, `line1/temp@0=21.5 line1/rpm@0=3`},
		{`opc-raw-dataset`, `auto`, `{"temp":{"Value":21.5,"SourceTimestamp":"2026-11-27T07:00:00Z"},"rpm":{"Value":3,"SourceTimestamp":"2026-11-27T07:00:00Z"}}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@0=21.5 rpi/rpm@0=3`},
		{`opcpub-samples`, `auto`, `[{"NodeId":"ns=2;s=T","ApplicationUri":"urn:plc","Value":{"Value":21.5,"SourceTimestamp":"2026-11-27T07:00:00Z"}},{"NodeId":"ns=2;s=R","ApplicationUri":"urn:plc","Value":{"Value":3,"SourceTimestamp":"2026-11-27T07:00:00Z","StatusCode":{"Code":2156724224,"Symbol":"BadNoCommunication"}}}]`, ``, ``, `urn:plc/ns=2;s=T@0=21.5 ?`},
		{`opcpub-sample-flat`, `auto`, `{"EndpointUrl":"opc.tcp://x","NodeId":"ns=2;i=5","DisplayName":"Temp","Value":21.5,"SourceTimestamp":"2026-11-27T07:00:00Z"}`, ``, ``, `opc.tcp://x/ns=2;i=5@0=21.5`},
		{`kepware`, `auto`, `{"timestamp":1795762800000,"values":[{"id":"Channel1.Device1.Temp","v":21.5,"q":true,"t":1795762800000},{"id":"Channel1.Device1.Rpm","v":3,"q":false,"t":1795762800000}]}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/Channel1.Device1.Temp@0=21.5 ?`},
		{`thingsboard`, `auto`, `{"pump-1":[{"ts":1795762800000,"values":{"temp":21.5,"rpm":3}}],"pump-2":[{"ts":1795762800000,"values":{"temp":5}}]}`, ``, ``, `pump-1/temp@0=21.5 pump-1/rpm@0=3 pump-2/temp@0=5`},
		{`thingsboard-dev`, `auto`, `{"ts":1795762800000,"values":{"temp":21.5,"rpm":3}}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@0=21.5 rpi/rpm@0=3`},
		{`sparkplug-ignition`, `auto`, `{"timestamp":1795762800000,"metrics":[{"name":"Temp","timestamp":1795762800000,"dataType":"Float","value":21.5},{"name":"On","timestamp":1795762800000,"dataType":"Boolean","value":true},{"name":"Node Control/Rebirth","timestamp":1795762800000,"dataType":"Boolean","value":false}],"seq":2}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/Temp@0=21.5 rpi/On@0=1`},
		{`sparkplug-hivemq`, `auto`, `{"topic":"spBv1.0/g/DDATA/edge/pump1","payload":{"timestamp":"1795762800000","metrics":[{"name":"Temp","timestamp":"1795762800000","datatype":9,"floatValue":21.5},{"name":"N","timestamp":"1795762800000","datatype":3,"isNull":true}],"seq":"1"}}`, ``, ``, `edge/pump1/Temp@0=21.5 ?`},
		{`sparkplug-topic-prop`, `auto`, `{"timestamp":1795762800000,"metrics":[{"name":"Temp","value":21.5,"type":"Double","timestamp":1795762800000}],"seq":1}`, ``, `{"topic": "spBv1.0/g/DDATA/edge/pump1"}`, `edge/pump1/Temp@0=21.5`},
		{`losant`, `auto`, `{"data":{"temp":21.5,"rpm":3},"time":{"$date":"2026-11-27T07:00:00Z"},"deviceId":"5f"}`, ``, ``, `5f/temp@0=21.5 5f/rpm@0=3`},
		{`chirpstack3`, `auto`, `{"applicationID":"1","deviceName":"lora1","devEUI":"AAA=","rxInfo":[{"rssi":-50,"time":"2026-11-27T07:00:00Z"}],"fPort":1,"fCnt":2,"object":{"temp":21.5,"bat":3.1}}`, ``, ``, `lora1/temp@0=21.5 lora1/bat@0=3.1`},
		{`chirpstack4`, `auto`, `{"deduplicationId":"x","time":"2026-11-27T07:00:00.000000+00:00","deviceInfo":{"tenantId":"t","deviceName":"lora1","devEui":"00"},"fPort":1,"fCnt":2,"object":{"temp":21.5}}`, ``, ``, `lora1/temp@0=21.5`},
		{`ttn2`, `auto`, `{"app_id":"a","dev_id":"d","hardware_serial":"00","port":1,"counter":2,"payload_raw":"AQ==","payload_fields":{"temp":21.5},"metadata":{"time":"2026-11-27T07:00:00Z"}}`, ``, ``, `d/temp@0=21.5`},
		{`ttn3-nested`, `auto`, `{"end_device_ids":{"device_id":"d","application_ids":{"application_id":"a"}},"received_at":"2026-11-27T07:00:01Z","uplink_message":{"f_port":1,"decoded_payload":{"temp":21.5,"acc":{"x":1,"y":2}},"received_at":"2026-11-27T07:00:00Z"}}`, ``, ``, `d/temp@1=21.5 d/acc.x@1=1 d/acc.y@1=2`},
		{`ttn3-event`, `auto`, `{"name":"as.up.data.forward","time":"2026-11-27T07:00:00Z","identifiers":[{"device_ids":{"device_id":"d"}}],"data":{"end_device_ids":{"device_id":"d"},"received_at":"2026-11-27T07:00:00Z","uplink_message":{"decoded_payload":{"temp":21.5}}}}`, ``, ``, `d/temp@0=21.5`},
		{`senml-base`, `auto`, `[{"bn":"urn:dev:mac:01:","bt":1795762800,"bu":"Cel","bver":10,"n":"temp","v":21.5},{"n":"hum","u":"%RH","v":40,"t":-1},{"n":"on","vb":true},{"n":"label","vs":"x"}]`, ``, ``, `urn:dev:mac:01:/temp@0=21.5 urn:dev:mac:01:/hum@-1=40 urn:dev:mac:01:/on@0=1`},
		{`ce-batch`, `auto`, `[{"specversion":"1.0","type":"t","source":"/p1","id":"1","time":"2026-11-27T07:00:00Z","data":{"temp":21.5}},{"specversion":"1.0","type":"t","source":"/p2","id":"2","time":"2026-11-27T07:00:00Z","data":{"temp":22}}]`, ``, ``, `/p1/temp@0=21.5 /p2/temp@0=22`},
		{`ce-subject-value`, `auto`, `{"specversion":"1.0","type":"reading","source":"p1","subject":"temp","id":"1","time":"2026-11-27T07:00:00Z","data":21.5}`, ``, ``, `p1/temp@0=21.5`},
		{`eventgrid-iothub`, `auto`, `[{"id":"x","topic":"/subs","subject":"devices/rpi","eventType":"Microsoft.Devices.DeviceTelemetry","eventTime":"2026-11-27T07:00:00Z","data":{"properties":{},"systemProperties":{"iothub-connection-device-id":"rpi","iothub-enqueuedtime":"2026-11-27T07:00:00Z","iothub-content-type":"application/json"},"body":{"temp":21.5}},"dataVersion":"","metadataVersion":"1"}]`, ``, ``, `rpi/temp@0=21.5`},
		{`eventgrid-iothub-b64`, `auto`, `[{"id":"x","topic":"/subs","subject":"devices/rpi","eventType":"Microsoft.Devices.DeviceTelemetry","eventTime":"2026-11-27T07:00:00Z","data":{"properties":{},"systemProperties":{"iothub-connection-device-id":"rpi","iothub-enqueuedtime":"2026-11-27T07:00:00Z"},"body":"eyJ0ZW1wIjoyMS41fQ=="},"dataVersion":"","metadataVersion":"1"}]`, ``, ``, `rpi/temp@0=21.5`},
		{`eventgrid-ce`, `auto`, `{"specversion":"1.0","id":"1","source":"/subscriptions/x","type":"Microsoft.Devices.DeviceTelemetry","subject":"devices/rpi","time":"2026-11-27T07:00:00Z","data":{"properties":{},"systemProperties":{"iothub-connection-device-id":"rpi","iothub-enqueuedtime":"2026-11-27T07:00:00Z"},"body":{"temp":21.5}}}`, ``, ``, `rpi/temp@0=21.5`},
		{`central-new`, `auto`, `{"applicationId":"a","messageSource":"telemetry","deviceId":"d","schema":"default@v1","templateId":"t","enqueuedTime":"2026-11-27T07:00:00Z","telemetry":{"temp":21.5,"pos":{"lat":1,"lon":2}},"messageProperties":{},"enrichments":{"x":5}}`, ``, ``, `d/temp@0=21.5 d/pos.lat@0=1 d/pos.lon@0=2`},
		{`central-mod`, `auto`, `{"applicationId":"a","messageSource":"telemetry","deviceId":"d","component":"thermo","enqueuedTime":"2026-11-27T07:00:00Z","telemetry":{"temp":21.5}}`, ``, ``, `d/thermo.temp@0=21.5`},
		{`central-legacy`, `auto`, `{"temp":21.5,"rpm":3}`, `{"iothub-connection-device-id": "d"}`, ``, `d/temp@2=21.5 d/rpm@2=3`},
		{`modbus-edge`, `auto`, `{"PublishTimestamp":"2026-11-27T07:00:00Z","Content":[{"HwId":"PowerMeter-01","Data":[{"CorrelationId":"x","SourceTimestamp":"2026-11-27T07:00:00Z","Values":[{"DisplayName":"Op01","Address":"40001","Value":"123"},{"DisplayName":"Op02","Address":"40002","Value":"5"}]}]}]}`, ``, ``, `PowerMeter-01/Op01@0=123 PowerMeter-01/Op02@0=5`},
		{`modbus-flat`, `auto`, `{"DisplayName":"Voltage","HwId":"PowerMeter-0a","Address":"400001","Value":"230","SourceTimestamp":"2026-11-27 07:00:00"}`, ``, ``, `PowerMeter-0a/Voltage@0=230`},
		{`asa-out`, `auto`, `{"deviceid":"d","windowend":"2026-11-27T07:00:00Z","avg_temp":21.5,"EventProcessedUtcTime":"2026-11-27T07:00:00Z","PartitionId":1,"EventEnqueuedUtcTime":"2026-11-27T07:00:00Z","IoTHub":{"MessageId":null,"ConnectionDeviceId":"d","EnqueuedTime":"2026-11-27T07:00:00Z"}}`, ``, ``, `d/avg_temp@0=21.5`},
		{`asa-lines`, `auto`, "{\"deviceId\":\"d\",\"ts\":\"2026-11-27T07:00:00Z\",\"temp\":1}\n{\"deviceId\":\"e\",\"ts\":\"2026-11-27T07:00:00Z\",\"temp\":2}", ``, ``, `d/temp@0=1 e/temp@0=2`},
		{`array-of-arrays`, `auto`, `[["d","s","2026-11-27T07:00:00Z",1.5]]`, ``, ``, `!`},
		{`columns-rows`, `auto`, `{"columns":["ts","temp"],"rows":[["2026-11-27T07:00:00Z",1.5]]}`, ``, ``, `!`},
		{`ts-nested`, `auto`, `{"device":{"id":"d"},"time":{"utc":"2026-11-27T07:00:00Z"},"measurements":{"temp":21.5}}`, ``, ``, `d/temp@0=21.5`},
		{`header-nested`, `auto`, `{"header":{"deviceId":"d","timestamp":"2026-11-27T07:00:00Z"},"body":{"temp":"21.5","on":true,"note":null}}`, ``, ``, `d/temp@0=21.5 d/on@0=1 ?`},
		{`strings`, `auto`, `{"device":"d","ts":"1795762800","temp":"21.5","state":"running"}`, ``, ``, `d/temp@0=21.5`},
		{`comma-string`, `auto`, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","value":"21,5"}`, ``, ``, `!`},
		{`prop-device`, `auto`, `{"temp":21.5,"ts":"2026-11-27T07:00:00Z"}`, ``, `{"deviceId": "pump"}`, `pump/temp@0=21.5`},
		{`epoch-float`, `auto`, `{"device":"d","sensor":"s","ts":1795762800.5,"value":1}`, ``, ``, `d/s@0.5=1`},
		{`epoch-ns`, `auto`, `{"device":"d","sensor":"s","ts":1795762800000000000,"value":1}`, ``, ``, `d/s@0=1`},
		{`note-27`, `auto`, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","note":27}`, ``, ``, `!value is missing`},
		{`sensor-multi`, `auto`, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","temp":21,"rpm":900}`, ``, ``, `!`},
		{`values-list-name`, `auto`, `{"device":"d","ts":"2026-11-27T07:00:00Z","values":[{"name":"a","value":1},{"name":"b","value":2}]}`, ``, ``, `d/a@0=1 d/b@0=2`},
		{`values-series`, `auto`, `{"device":"d","sensor":"s","values":[[1795762800000,1.5],[1795762801000,2]]}`, ``, ``, `!`},
		{`values-ts-v`, `auto`, `{"device":"d","sensor":"s","values":[{"ts":1795762800000,"value":1.5},{"ts":1795762801000,"value":2}]}`, ``, ``, `d/s@0=1.5 d/s@1=2`},
		{`aws-greengrass`, `auto`, `{"deviceId":"d","timestamp":"2026-11-27T07:00:00Z","payload":{"temp":{"value":21.5,"unit":"C"}}}`, ``, ``, `d/temp@0=21.5`},
		{`homie`, `auto`, `{"d":{"temp":21.5},"ts":"2026-11-27T07:00:00Z"}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@0=21.5`},
		{`azure-stringified`, `auto`, `"{\"device\": \"d\", \"ts\": \"2026-11-27T07:00:00Z\", \"temp\": 1.5}"`, ``, ``, `d/temp@0=1.5`},
		{`ditto`, `auto`, `{"topic":"org/pump1/things/twin/events/modified","path":"/features/temp/properties/value","value":21.5,"timestamp":"2026-11-27T07:00:00Z"}`, ``, ``, `!`},
		{`fiware-notify`, `auto`, `{"subscriptionId":"x","data":[{"id":"urn:Pump:001","type":"Pump","temp":{"type":"Number","value":21.5,"metadata":{"TimeInstant":{"type":"DateTime","value":"2026-11-27T07:00:00Z"}}}}]}`, ``, ``, `!`},
		{`siemens-edge`, `auto`, `{"seq":1,"vals":[{"id":"101","qc":3,"ts":"2026-11-27T07:00:00Z","val":21.5},{"id":"102","qc":3,"ts":"2026-11-27T07:00:00Z","val":5}]}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/101@0=21.5 rpi/102@0=5`},
		{`opcua-client`, `auto`, `{"nodeId":"ns=3;s=T","value":21.5,"sourceTimestamp":"2026-11-27T07:00:00Z","statusCode":{"value":0}}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/ns=3;s=T@0=21.5`},
		{`ignition-tag`, `auto`, `{"tagPath":"[default]Line1/Temp","value":21.5,"quality":"Good","timestamp":1795762800000}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/[default]Line1/Temp@0=21.5`},
		{`influx2-json`, `auto`, `[{"measurement":"m","tags":{"device":"d"},"time":"2026-11-27T07:00:00Z","fields":{"temp":1.5}}]`, ``, ``, `d/temp@0=1.5`},
		{`prom`, `auto`, `{"labels":{"__name__":"temp","instance":"d"},"name":"temp","timestamp":"2026-11-27T07:00:00Z","value":"1.5"}`, ``, ``, `!`},
		{`kafka-connect`, `auto`, `{"schema":{"type":"struct"},"payload":{"device":"d","ts":1795762800000,"temp":1.5}}`, ``, ``, `d/temp@0=1.5`},
		{`bool-alarm`, `auto`, `{"deviceId":"d","ts":"2026-11-27T07:00:00Z","alarm":true,"temp":null}`, ``, ``, `d/alarm@0=1 ?`},
		{`unix-sec-string`, `auto`, `{"deviceId":"d","timestamp":"1795762800","temp":1}`, ``, ``, `d/temp@0=1`},
		{`epoch-micro`, `auto`, `{"deviceId":"d","timestamp":1795762800000000,"temp":1}`, ``, ``, `d/temp@0=1`},
		{`nested-values-arr`, `auto`, `{"deviceId":"d","timestamp":"2026-11-27T07:00:00Z","readings":{"temp":{"value":1.5,"unit":"C"},"rpm":{"value":900}}}`, ``, ``, `d/temp@0=1.5 d/rpm@0=900`},
		{`time-local`, `auto`, `{"deviceId":"d","ts":"2026-11-27 07:00:00","temp":1}`, ``, ``, `d/temp@0=1`},
		{`upper`, `auto`, `{"DEVICE_ID":"d","TIMESTAMP":"2026-11-27T07:00:00Z","TEMP":1}`, ``, ``, `d/TEMP@0=1`},
		{`german`, `auto`, `{"Maschine":"d","Zeitstempel":"2026-11-27T07:00:00Z","Temperatur":1,"Drehzahl":900}`, ``, ``, `d/Temperatur@0=1 d/Drehzahl@0=900`},
		{`hub-device-override`, `iothub`, `{"deviceId":"x","temp":1,"ts":"2026-11-27T07:00:00Z"}`, `{"iothub-connection-device-id": "rpi"}`, ``, `rpi/temp@0=1`},
		{`ie-data`, `auto`, `{"deviceId":"d","data":[{"timestamp":"2026-11-27T07:00:00Z","temp":1},{"timestamp":"2026-11-27T07:00:01Z","temp":2}]}`, ``, ``, `d/temp@0=1 d/temp@1=2`},
		{`text-only`, `auto`, `{"deviceId":"d","ts":"2026-11-27T07:00:00Z","state":"on"}`, ``, ``, `!`},
		{`twin-change`, `auto`, `{"version":2,"properties":{"reported":{"temp":1,"$metadata":{}}}}`, `{"iothub-connection-device-id": "rpi"}`, ``, `!`},
		{`lifecycle`, `auto`, `{"deviceId":"d","hubName":"h","opType":"deviceConnected","operationTimestamp":"2026-11-27T07:00:00Z","sequenceNumber":5}`, `{"iothub-connection-device-id": "rpi"}`, ``, `!`},
		{`gps`, `auto`, `{"deviceId":"d","ts":"2026-11-27T07:00:00Z","location":{"lat":1.5,"lon":2.5}}`, ``, ``, `d/location.lat@0=1.5 d/location.lon@0=2.5`},
		{`cayenne`, `auto`, `{"device":"d","ts":"2026-11-27T07:00:00Z","temperature_1":1.5,"analog_in_2":3}`, ``, ``, `d/temperature_1@0=1.5 d/analog_in_2@0=3`},
		{`empty-obj`, `auto`, `{}`, ``, ``, `!`},
		{`sensor-box`, `auto`, `{"sensorId":"bme280","temperature":21,"humidity":40,"ts":"2026-11-27T07:00:00Z"}`, ``, ``, `!`},
		{`mqtt-json-topic`, `auto`, `{"topic":"dev/x/temp","value":21.5,"ts":"2026-11-27T07:00:00Z"}`, ``, ``, `!`},
		{`tags-list`, `auto`, `{"gatewayId":"g","ts":"2026-11-27T07:00:00Z","tags":[{"tag":"a","value":1,"quality":192},{"tag":"b","value":2,"quality":0}]}`, ``, ``, `g/a@0=1 g/b@0=2`},
		{`point-value-obj`, `auto`, `{"device":"d","ts":"2026-11-27T07:00:00Z","points":{"a":{"presentValue":1}}}`, ``, ``, `d/a.presentValue@0=1`},
		{`crlf-lines`, `auto`, "{\"device\":\"d\",\"sensor\":\"s\",\"ts\":\"2026-11-27T07:00:00Z\",\"value\":1}\r\n{\"device\":\"d\",\"sensor\":\"u\",\"ts\":\"2026-11-27T07:00:00Z\",\"value\":2}\r\n", ``, ``, `d/s@0=1 d/u@0=2`},
		{`ndjson-mixed`, `auto`, "{\"device\":\"d\",\"sensor\":\"s\",\"ts\":\"2026-11-27T07:00:00Z\",\"value\":1}\n{\"deviceId\":\"e\",\"ts\":\"2026-11-27T07:00:00Z\",\"temp\":2}\n", ``, ``, `d/s@0=1 e/temp@0=2`},
		{`number-device`, `auto`, `{"device":7,"sensor":3,"ts":"2026-11-27T07:00:00Z","value":1}`, ``, ``, `7/3@0=1`},
		{`hex-status`, `auto`, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","value":1,"status":"0x80000000"}`, ``, ``, `?`},
		{`quality-0`, `auto`, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","value":1,"quality":0}`, ``, ``, `d/s@0=1`},
		{`good-false`, `auto`, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","value":1,"good":false}`, ``, ``, `?`},
		{`val-unit-string`, `auto`, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","value":"21.5 C"}`, ``, ``, `!`},
	} {
		m, err := Parse(c.mapping)
		if err != nil {
			t.Fatal(err)
		}
		if got := summary(m, []byte(c.body), c.system, c.properties); !alike(got, c.want) {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.body, got, c.want)
		}
	}
}

// TestPointLines checks lines of InfluxDB's protocol. A bad line does not affect the others.
func TestPointLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ mapping, body, want string }{
		{"auto", "# as Telegraf sends it\nm,host=a\\ b\\,c x=1,y=2i,z=\"text, = \\\"quoted\\\"\",u=3u 1795762800\n\n", "a b,c/x@0=1 a b,c/y@0=2 a b,c/u@0=3"},
		{"auto", "m\\ 1,host=a on=t,off=FALSE,w=-1e-3 1795762801000\r\nm,host=a x=1\r\n", "a/on@1=1 a/off@1=0 a/w@1=-0.001 a/x@2=1"},
		{"auto", "m,host=a x=1 1795762800\nm,host=a x=\nm,host=b x=1 1795762800\nm,host=b x=1,x=2 1\n", `a/x@0=1 b/x@0=1 !where the value of a field should be !is given twice`},
		{"auto", "m x=1 1795762800", "!device is missing"},
		{"{device: .tags.line, ts: (.timestamp | seconds), values: .fields}", "m,line=L1 x=1,t=\"no\" 1795762800", "L1/x@0=1"},
		{"readings", "m,host=a x=1 1795762800", "!'m' at byte 0"},
		{"auto", "just some text", "!'j' at byte 0"},
		{"auto", "m,host x=1", "!INGEST_CSV must name its columns"},
		{"auto", "m,host=a x=\"never ends", "!INGEST_CSV must name its columns"},
	} {
		m, err := Parse(c.mapping)
		if err != nil {
			t.Fatal(err)
		}
		if got := summary(m, []byte(c.body), "", ""); !alike(got, c.want) {
			t.Errorf("%s: %q\n got %s\nwant %s", c.mapping, c.body, got, c.want)
		}
	}
}
