import { prometheusPageContract } from '../contract/prometheus-page.ts'

prometheusPageContract('2.42.0')
